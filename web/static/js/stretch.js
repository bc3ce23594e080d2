// Faster or slower speech at the same pitch: WSOLA (Verhelst and Roelands, ICASSP 1993). Frames are laid over one another at
// another distance, each from where it fits best to the one before. Knows no player.

const FRAME_S = 0.04;
const SEARCH_S = 0.01; // how far from its due place a frame may be taken
const EACH = 3; // every so many samples and places are compared: enough to find the pitch

export class Stretch {
  /** rate: Hz. speed: 2 is twice as fast. */
  constructor(rate, speed) {
    this.speed = speed;
    this.hop = Math.round((FRAME_S * rate) / 2); // between frames in what comes out
    this.reach = Math.round(SEARCH_S * rate);
    this.window = Float32Array.from({ length: 2 * this.hop }, (_, i) => 0.5 - 0.5 * Math.cos((Math.PI * (i + 0.5)) / this.hop));
    this.input = new Float32Array(0);
    this.due = 0; // of the next frame, in the input
    this.before = null; // where the last frame was taken
    this.tail = null; // its second half, which the next one is laid over
  }

  /** More samples in, what is ready out. last: nothing follows. */
  push(samples, last = false) {
    this.input = joined(this.input, samples);
    const out = [];
    while (Math.floor(this.due) + this.reach + 3 * this.hop <= this.input.length) out.push(this.frame());
    if (last) out.push(this.rest()); else this.forget();
    return joined(...out);
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  frame() {
    const { hop, window } = this, at = this.before === null ? 0 : this.bestPlace(), out = this.input.slice(at, at + hop);
    if (this.tail) for (let i = 0; i < hop; i++) out[i] = out[i] * window[i] + this.tail[i];
    this.tail = this.input.slice(at + hop, at + 2 * hop).map((x, i) => x * window[hop + i]);
    this.before = at;
    this.due += hop * this.speed;
    return out;
  }

  /** Where the input is most like what would have followed the last frame. */
  bestPlace() {
    const follow = this.before + this.hop, due = Math.floor(this.due);
    let best = due, most = -Infinity;
    for (let at = Math.max(0, due - this.reach); at <= due + this.reach; at += EACH) {
      let like = 0;
      for (let i = 0; i < this.hop; i += EACH) like += this.input[at + i] * this.input[follow + i];
      if (like > most) { most = like; best = at; }
    }
    return best;
  }

  /** What is left, at its own pace: a few hundredths of a second. */
  rest() {
    if (this.before === null) return this.input;
    const out = this.input.slice(this.before + this.hop);
    for (let i = 0; i < Math.min(this.hop, out.length); i++) out[i] = out[i] * this.window[i] + this.tail[i];
    return out;
  }

  forget() {
    const gone = Math.max(0, Math.min(this.before ?? 0, Math.floor(this.due) - this.reach));
    this.input = this.input.slice(gone);
    this.due -= gone;
    if (this.before !== null) this.before -= gone;
  }
}

function joined(...parts) {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
}
