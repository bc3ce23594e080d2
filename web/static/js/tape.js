// Every sample that has arrived, so that seek, replay, download and history need no network. Knows no clock and no sound.

const PEAK_S = 0.02; // one peak of the waveform stands for so many seconds

export class Tape {
  /** rate: Hz. Samples are mono s16. */
  constructor(rate = 24000) {
    this.rate = rate;
    this.blocks = [];
    this.starts = []; // of each block, in samples
    this.length = 0; // samples
    this.closed = false; // nothing more will come
    this.peaks = []; // loudest sample of each PEAK_S, 0..1
    this.loudestYet = 0; // of the peak under way
    this.inPeak = 0; // samples of it
  }

  get seconds() { return this.length / this.rate; }

  append(int16) {
    if (!int16.length) return;
    this.starts.push(this.length);
    this.blocks.push(int16);
    this.length += int16.length;
    this.measure(int16);
  }

  close() { this.closed = true; }

  /** Samples [from, to) as float32 in [-1, 1). */
  read(from, to) {
    const out = new Float32Array(to - from);
    for (let i = this.blockAt(from), at = from; at < to; i++) {
      const block = this.blocks[i], start = this.starts[i], end = Math.min(start + block.length, to);
      for (; at < end; at++) out[at - from] = block[at - start] / 32768;
    }
    return out;
  }

  /** Samples [from, to) as they came. */
  samples(from = 0, to = this.length) {
    const out = new Int16Array(to - from);
    for (let i = this.blockAt(from), at = from; at < to; i++) {
      const start = this.starts[i], block = this.blocks[i], end = Math.min(start + block.length, to);
      out.set(block.subarray(at - start, end - start), at - from);
      at = end;
    }
    return out;
  }

  /** The loudest sample between two seconds, 0..1. */
  loudest(from, to) {
    const first = Math.floor(from / PEAK_S), last = Math.max(first + 1, to / PEAK_S);
    let peak = 0;
    for (let i = first; i < last; i++) peak = Math.max(peak, this.peaks[i] ?? 0);
    return peak;
  }

  /** Keep only the first so many samples; more may come behind them. */
  cut(length) {
    const kept = this.samples(0, Math.min(length, this.length));
    Object.assign(this, { blocks: [], starts: [], length: 0, peaks: [], loudestYet: 0, inPeak: 0, closed: false });
    this.append(kept);
  }

  /** Which block holds that sample. */
  blockAt(sample) {
    let low = 0, high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= sample) low = middle; else high = middle - 1;
    }
    return low;
  }

  measure(int16) {
    const per = Math.round(PEAK_S * this.rate);
    for (const sample of int16) {
      this.loudestYet = Math.max(this.loudestYet, Math.abs(sample) / 32768);
      if (++this.inPeak === per) { this.peaks.push(this.loudestYet); this.loudestYet = this.inPeak = 0; }
    }
  }
}

/** A closed tape of samples that were kept. */
export function tapeOf(int16, rate) {
  const tape = new Tape(rate);
  tape.append(int16);
  tape.close();
  return tape;
}

/** A complete WAV file of mono s16 samples. */
export function wavOf(samples, rate) {
  const head = new DataView(new ArrayBuffer(44)), bytes = samples.byteLength;
  const tag = (at, text) => [...text].forEach((c, i) => head.setUint8(at + i, c.charCodeAt(0)));
  tag(0, 'RIFF'); head.setUint32(4, 36 + bytes, true); tag(8, 'WAVEfmt ');
  head.setUint32(16, 16, true); // size of the format
  head.setUint16(20, 1, true); // PCM
  head.setUint16(22, 1, true); // mono
  head.setUint32(24, rate, true);
  head.setUint32(28, rate * 2, true); // bytes a second
  head.setUint16(32, 2, true); // bytes a sample
  head.setUint16(34, 16, true); // bits a sample
  tag(36, 'data'); head.setUint32(40, bytes, true);
  return new Blob([head, samples], { type: 'audio/wav' });
}
