// Has passages spoken, in order, as many at once as there is room for. Asks again by itself when the server is busy. Knows no page.
const WAIT_S = 5; // when the server does not say how long
const BUSY = new Set(['queue_full', 'rate_limited', 'draining', 'queue_timeout', 'model_not_loaded']);

/** Events: 'change'. */
export class Maker extends EventTarget {
  /** atOnce(): how many may be made at the same time. */
  constructor(atOnce) {
    super();
    Object.assign(this, { atOnce, waiting: [], under: new Set(), over: null, again: 0 });
  }

  get running() { return this.waiting.length + this.under.size > 0; }

  /** Make these. Resolves when none is left, however each ended. */
  make(jobs) {
    this.waiting.push(...jobs);
    this.done ??= new Promise((resolve) => { this.over = resolve; });
    const { done } = this;
    this.pump();
    return done;
  }

  /** This one has to come before the others that wait. */
  first(job) {
    const at = this.waiting.indexOf(job);
    if (at > 0) this.waiting.unshift(...this.waiting.splice(at, 1));
  }

  stop() {
    clearTimeout(this.timer);
    this.busyUntil = 0;
    const jobs = [...this.waiting.splice(0), ...this.under];
    this.under.clear(); // not waiting for the ends of their requests: they may be asked for again at once
    for (const job of jobs) { job.busy = null; job.stop(); }
    this.pump();
  }

  /** Ask again now. */
  retry() {
    clearTimeout(this.timer);
    this.busyUntil = 0;
    this.pump();
  }

  /** Whole seconds until it asks again; 0 when it does not wait. */
  get retryIn() { return Math.max(0, Math.ceil(((this.busyUntil ?? 0) - performance.now()) / 1000)); }

  // -- inside --------------------------------------------------------------------------------------------------------

  pump() {
    while (!this.busyUntil && this.waiting.length && this.under.size < Math.max(1, this.atOnce())) this.start(this.waiting.shift());
    if (this.running) return;
    this.over?.();
    this.over = this.done = null;
  }

  async start(job) {
    this.under.add(job);
    job.busy = null;
    const { signal } = job.giveUp;
    await job.run();
    if (signal.aborted) return; // it was stopped, and may be under way again
    this.under.delete(job);
    if (job.state === 'failed') this.failed(job);
    this.pump();
  }

  failed(job) {
    if (isBusy(job.error)) { this.wait(job); return; }
    if (job.error.code === 'nothing_to_say') return; // the others have something
    for (const left of this.waiting.splice(0)) left.stop();
  }

  wait(job) {
    const { error } = job, seconds = error.retryAfterS ?? WAIT_S;
    this.waiting.unshift(job);
    this.busyUntil = performance.now() + seconds * 1000;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.retry(), seconds * 1000);
    job.hold(error);
  }
}

const isBusy = (error) => error.status === 429 || BUSY.has(error.code);
