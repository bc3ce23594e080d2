// Plays a tape that is still growing. Knows nothing of HTTP, words or the page.
//
// Blocks of the tape are scheduled on an AudioContext a few seconds ahead. Two events drive it: "more has arrived" (push)
// and "a block has ended". No timer, so a hidden tab, whose timers are throttled, plays on. No worklet and no MediaSource:
// the first needs a secure origin, which a service in a local network has not, the second differs by browser.
// Events: 'state'.
import { Stretch } from './stretch.js';

const LEAD_S = 6; // scheduled ahead of the listener
const BLOCK_S = 0.5; // longest single buffer
const START_S = 0.2; // must have arrived before the first sound
const FADE_S = 0.005; // every edge of the sound is ramped
const MARGIN_S = 0.05; // between deciding and sounding
const GUARD_S = 0.02; // so close before the closing ramp nothing is joined on any more
const PAUSE_MAX_S = 3; // longest wait for more without a hint from the server
const HINTED_MAX_S = 8; // and with one
// Firefox asks another process how late the device is and waits for it in the page's own thread: for ever, where the device is stuck
// (153 with PulseAudio). There words are marked a little early.
const TELLS_LATENCY = !navigator.userAgent.includes('Firefox/');
const OPENING_MS = 3000; // what a device may take to begin
const SLEEP_MS = 10_000; // after the end, the sound device may sleep

export class Player extends EventTarget {
  constructor() {
    super();
    this.state = 'idle'; // idle, buffering, playing, paused, blocked, ended
    this.context = null;
    this.tape = null;
    this.volume = 1;
    this.speed = 1; // of playing; the tape stays as it is
    this.out = 0; // samples scheduled since startedAt
    this.nodes = new Set(); // scheduled and not over
    this.held = 0; // position while nothing moves, seconds
    this.from = this.next = 0; // first sample of this stretch, first sample not scheduled yet
    this.startedAt = null; // when `from` sounds, on the context's clock; null: not yet decided
    this.closingAt = null; // when the ramp that closes what is scheduled begins
    this.wanted = true; // the listener wants sound: not paused
    this.opening = false; // the device is about to begin
  }

  /** Call inside a click or key handler, before any await: only there browsers let sound begin. */
  unlock(rate = 24000) {
    clearTimeout(this.sleep);
    if (!this.context || this.context.state === 'closed') this.open(rate);
    if (navigator.audioSession) navigator.audioSession.type = 'playback'; // else an iPhone's silent switch mutes it
    return this.context.resume().catch(() => {});
  }

  /** Play this tape from that second, as it grows. */
  begin(tape, second = 0) {
    this.cut();
    const at = Math.round(second * tape.rate);
    Object.assign(this, { tape, need: START_S, from: at, next: at, held: second, pace: 1, expected: 0, wanted: true });
    this.become('buffering');
    this.push();
  }

  /** Have this tape ready, in silence. */
  show(tape) {
    this.cut();
    Object.assign(this, { tape, need: START_S, from: 0, next: 0, held: 0, pace: 1, expected: 0, wanted: false });
    this.become('paused');
  }

  /** The tape has grown, or was closed. */
  push() {
    if (this.state === 'buffering') {
      const here = (this.tape.length - this.next) / this.tape.rate;
      if (this.tape.closed && here <= 0) { this.finish(); return; }
      if (here < this.need && !this.tape.closed) return;
      this.start();
    }
    this.schedule();
  }

  /** What is known of the rest: seconds of audio made per second, seconds of the whole. */
  expect(pace, seconds) { this.pace = pace; this.expected = seconds; }

  pause() {
    if (!['buffering', 'playing', 'blocked'].includes(this.state)) return;
    this.held = this.position;
    this.wanted = false;
    this.context?.suspend();
    this.become('paused');
  }

  /** Go on; from the start if it was over. Call inside a click or key handler. */
  resume() {
    if (!this.tape) return;
    this.unlock(this.tape.rate);
    if (this.state === 'ended') { this.seek(0); return; }
    this.wanted = true;
    if (this.nodes.size) { this.become('playing'); this.schedule(); } else { this.become('buffering'); this.push(); }
  }

  /** Go to that second, or to the end of what has arrived. silent: and stay there. */
  seek(seconds, silent = false) {
    if (!this.tape) return;
    const sample = Math.max(0, Math.min(Math.round(seconds * this.tape.rate), this.tape.length));
    if (this.state === 'ended') this.wanted = true;
    if (silent) this.wanted = false;
    this.cut();
    this.from = this.next = sample;
    this.held = sample / this.tape.rate;
    this.need = START_S;
    if (!this.wanted) { this.become('paused'); return; }
    this.unlock(this.tape.rate);
    this.become('buffering');
    this.push();
  }

  /** Loudness, 0 to 1. */
  setVolume(volume) {
    this.volume = volume;
    this.output?.gain.setTargetAtTime(volume, this.context.currentTime, 0.01);
  }

  /** Play so many times as fast, at the same pitch. */
  setRate(speed) {
    const here = this.position;
    if (speed === this.speed) return;
    this.speed = speed;
    if (this.tape && this.state !== 'ended') this.seek(here);
  }

  /** Seconds of the tape that the listener has heard. */
  get position() {
    if (!this.tape) return 0;
    const second = (sample) => sample / this.tape.rate;
    if (this.state === 'ended') return this.tape.seconds;
    if (this.state === 'paused' || this.state === 'idle') return this.held;
    if (this.startedAt === null) return second(this.next);
    const here = second(this.from) + (this.heardUntil() - this.startedAt) * this.speed;
    return Math.max(second(this.from), Math.min(second(this.next), here));
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  open(rate) {
    // At the tape's own rate blocks join exactly; at another one every browser but Firefox would tick at the joins.
    this.context = new AudioContext({ sampleRate: rate, latencyHint: 'playback' });
    this.output = this.context.createGain();
    this.output.gain.value = this.volume;
    this.output.connect(this.context.destination);
    this.newEdge();
    this.context.onstatechange = () => this.contextChanged();
  }

  newEdge() {
    this.edge = this.context.createGain();
    this.edge.connect(this.output);
    this.closingAt = null;
  }

  contextChanged() {
    const runs = this.context.state === 'running';
    if (!runs && this.state === 'playing') this.become('blocked');
    else if (runs && this.state === 'blocked') this.become(this.nodes.size ? 'playing' : 'buffering');
  }

  // Not getOutputTimestamp(): in WebKitGTK 2.50 its performanceTime runs ahead of performance.now() by seconds.
  heardUntil() { return this.context.currentTime - ((TELLS_LATENCY && this.context.outputLatency) || this.context.baseLatency || 0); }

  /** When what is scheduled ends, on the context's clock. */
  get until() { return this.startedAt + this.out / this.tape.rate; }

  start() {
    const { context } = this, gain = this.edge.gain;
    this.startedAt = Math.ceil((context.currentTime + MARGIN_S) * context.sampleRate) / context.sampleRate; // on a frame
    this.from = this.next;
    this.out = 0;
    this.stretch = this.speed === 1 ? null : new Stretch(this.tape.rate, this.speed);
    gain.cancelScheduledValues(0);
    gain.setValueAtTime(this.from === 0 ? 1 : 0, context.currentTime);
    if (this.from > 0) {
      gain.setValueAtTime(0, this.startedAt);
      gain.linearRampToValueAtTime(1, this.startedAt + FADE_S);
    }
    this.closingAt = null;
    this.awaitDevice(context);
    this.become(context.state === 'running' ? 'playing' : 'blocked');
  }

  /** After a press the device is only slow, not held back: Firefox takes a second to open it. */
  awaitDevice(context) {
    this.opening = context.state !== 'running' && Boolean(navigator.userActivation?.hasBeenActive);
    if (this.opening) setTimeout(() => { this.opening = false; if (this.state === 'blocked') this.tell(); }, OPENING_MS);
  }

  schedule() {
    if (!['playing', 'blocked', 'paused'].includes(this.state) || this.startedAt === null) return;
    const { context, tape } = this;
    if (this.closingAt !== null && context.currentTime > this.closingAt - GUARD_S) return; // let the ramp run out
    const before = this.next;
    while (this.next < tape.length && this.until < context.currentTime + LEAD_S) this.scheduleBlock();
    if (this.next > before) this.closeSoftly();
  }

  scheduleBlock() {
    const { tape } = this, length = Math.min(Math.round(BLOCK_S * tape.rate), tape.length - this.next);
    const samples = tape.read(this.next, this.next + length);
    this.next += length;
    const heard = this.stretch ? this.stretch.push(samples, tape.closed && this.next >= tape.length) : samples;
    if (heard.length) this.scheduleSamples(heard);
  }

  scheduleSamples(samples) {
    const buffer = this.context.createBuffer(1, samples.length, this.tape.rate), node = this.context.createBufferSource();
    buffer.copyToChannel(samples, 0);
    node.buffer = buffer;
    node.connect(this.edge);
    node.onended = () => { if (this.nodes.delete(node)) this.blockEnded(); };
    node.start(this.until);
    this.nodes.add(node);
    this.out += samples.length;
  }

  /** The sound that is scheduled ends in silence and not in a click. */
  closeSoftly() {
    const end = this.until, gain = this.edge.gain;
    if (this.closingAt !== null) gain.cancelScheduledValues(this.closingAt - 0.001);
    gain.setValueAtTime(1, end - FADE_S);
    gain.linearRampToValueAtTime(0, end);
    this.closingAt = end - FADE_S;
  }

  blockEnded() {
    this.schedule();
    if (this.nodes.size) return;
    if (this.tape.closed && this.next >= this.tape.length) { this.finish(); return; }
    this.startedAt = null; // what has come meanwhile must not be put at its old time, which is past
    this.need = this.enough();
    this.become('buffering');
    this.push();
  }

  /** Slower than real time: wait once, for as much as the rest will fall behind, rather than often for a little. */
  enough() {
    const behind = this.pace < 1 ? (this.expected - this.tape.seconds) * (1 - this.pace) * 1.1 : 0;
    return Math.max(Math.min(HINTED_MAX_S, behind), Math.min(PAUSE_MAX_S, this.need * 2));
  }

  finish() {
    this.become('ended');
    clearTimeout(this.sleep);
    this.sleep = setTimeout(() => { if (this.state === 'ended') this.context?.suspend(); }, SLEEP_MS);
  }

  /** Silence now, without a click, and nothing scheduled. */
  cut() {
    const old = [...this.nodes];
    this.nodes.clear();
    this.startedAt = null;
    if (!old.length) return;
    const now = this.context.currentTime, gain = this.edge.gain;
    gain.cancelScheduledValues(0);
    gain.setTargetAtTime(0, now, FADE_S / 3);
    for (const node of old) { node.onended = null; node.stop(now + FADE_S * 2); }
    this.newEdge();
  }

  become(state) {
    if (state === this.state) return;
    this.state = state;
    this.tell();
  }

  tell() { this.dispatchEvent(new Event('state')); }
}
