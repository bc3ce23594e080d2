// Several tapes as one, in order, with silences between: what a player and a wave take for a tape. Knows no text.

export class Reel {
  /** parts: [{ tape, gap }], gap: seconds of silence after it. rate: Hz, that of every tape. */
  constructor(parts, rate = 24000) { Object.assign(this, { parts, rate, stamp: -1, laid: [], total: 0 }); }

  /** Samples in a row from the beginning: up to the end of the first tape that still grows. */
  get length() { this.lay(); return this.total; }

  get seconds() { return this.length / this.rate; }

  get closed() { return this.parts.every(({ tape }) => tape.closed); }

  /** When a part begins, in seconds; for one that is not reached yet the end of what is there. */
  startOf(index) { return (this.lay()[index]?.start ?? this.total) / this.rate; }

  /** The part that sounds at that second; a silence belongs to what was before it. */
  partAt(second) {
    const laid = this.lay();
    let at = this.lastBefore(second * this.rate + 1);
    while (at > 0 && !laid[at].tape.length) at--;
    return Math.max(0, at);
  }

  /** Samples [from, to) as float32 in [-1, 1). */
  read(from, to) {
    const out = new Float32Array(to - from);
    for (const { tape, start, a, b } of this.within(from, to)) out.set(tape.read(a - start, b - start), a - from);
    return out;
  }

  /** Samples [from, to) as they came. */
  samples(from = 0, to = this.length) {
    const out = new Int16Array(to - from);
    for (const { tape, start, a, b } of this.within(from, to)) out.set(tape.samples(a - start, b - start), a - from);
    return out;
  }

  /** The loudest sample between two seconds, 0..1. */
  loudest(from, to) {
    const a = Math.floor(from * this.rate), b = Math.max(a + 1, Math.ceil(to * this.rate));
    return Math.max(0, ...this.within(a, b).map((p) => p.tape.loudest((p.a - p.start) / this.rate, (p.b - p.start) / this.rate)));
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  /** Where each tape begins, as far as what is before it has come. */
  lay() {
    const stamp = this.parts.reduce((sum, { tape }) => sum + tape.length + tape.closed, 0);
    if (stamp === this.stamp) return this.laid;
    const last = this.parts.findLastIndex(({ tape }) => tape.length || !tape.closed); // nothing is silent behind it
    Object.assign(this, { stamp, laid: [], total: 0 });
    for (const [index, { tape, gap }] of this.parts.entries()) {
      this.laid.push({ index, tape, start: this.total });
      this.total += tape.length;
      if (!tape.closed) break;
      if (tape.length && index < last) this.total += Math.round(gap * this.rate);
    }
    return this.laid;
  }

  /** The last tape that begins at that sample or before; -1 without any. There may be thousands. */
  lastBefore(sample) {
    const laid = this.lay();
    let low = 0, high = laid.length;
    while (low < high) { const middle = (low + high) >> 1; if (laid[middle].start <= sample) low = middle + 1; else high = middle; }
    return low - 1;
  }

  /** What lies in [from, to): the tape, its first sample here, and the stretch of it. */
  within(from, to) {
    const found = [];
    for (let i = Math.max(0, this.lastBefore(from)); i < this.laid.length && this.laid[i].start < to; i++) {
      const { tape, start } = this.laid[i], a = Math.max(from, start), b = Math.min(to, start + tape.length);
      if (a < b) found.push({ tape, start, a, b });
    }
    return found;
  }
}
