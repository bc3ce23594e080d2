// In the audio thread: hands on what comes in, with the frame it sounds at.
registerProcessor('tap', class extends AudioWorkletProcessor {
  constructor() { super(); this.kept = []; this.at = 0; }
  process([[samples]]) {
    if (!this.kept.length) this.at = currentFrame;
    this.kept.push(samples ? samples.slice() : new Float32Array(128));
    if (this.kept.length === 16) { this.port.postMessage([this.at, this.kept]); this.kept = []; }
    return true;
  }
});
