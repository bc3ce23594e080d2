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
    this.peakSeconds = PEAK_S;
    this.loudest = 0; // of the peak under way
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

  /** All samples in one piece. */
  samples() {
    const out = new Int16Array(this.length);
    this.blocks.forEach((block, i) => out.set(block, this.starts[i]));
    return out;
  }

  /** A complete WAV file of what has arrived. */
  wav() {
    const head = new DataView(new ArrayBuffer(44)), bytes = this.length * 2;
    const tag = (at, text) => [...text].forEach((c, i) => head.setUint8(at + i, c.charCodeAt(0)));
    tag(0, 'RIFF'); head.setUint32(4, 36 + bytes, true); tag(8, 'WAVEfmt ');
    head.setUint32(16, 16, true); // size of the format
    head.setUint16(20, 1, true); // PCM
    head.setUint16(22, 1, true); // mono
    head.setUint32(24, this.rate, true);
    head.setUint32(28, this.rate * 2, true); // bytes a second
    head.setUint16(32, 2, true); // bytes a sample
    head.setUint16(34, 16, true); // bits a sample
    tag(36, 'data'); head.setUint32(40, bytes, true);
    return new Blob([head, ...this.blocks], { type: 'audio/wav' });
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
      this.loudest = Math.max(this.loudest, Math.abs(sample) / 32768);
      if (++this.inPeak === per) { this.peaks.push(this.loudest); this.loudest = this.inPeak = 0; }
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
