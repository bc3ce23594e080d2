// One text on its way to speech: the request, what the server tells of it, the audio it sends. Knows no sound and no page.
// Events: 'change' (state, place, loading), 'audio', 'word', 'progress'.
import { ApiError, ask } from './api.js';
import { events, pcm16 } from './sse.js';
import { Tape, tapeOf } from './tape.js';

export class Job extends EventTarget {
  /** request: { text, voice, speed?, cfg_coef? } as POST api/tts takes them. */
  constructor(request) {
    super();
    this.id = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    this.request = request;
    this.text = request.text;
    this.from = 0; // where in the text the request under way begins
    this.fromS = 0; // and where on the tape
    this.state = 'waiting'; // its turn has not come; then asking, queued, loading, speaking, then over: complete, stopped, failed
    this.tape = new Tape();
    this.words = []; // { from, to, start_s, stop_s } with places in the text, in the order of time
    this.place = 0; // in the queue, from 1
    this.loading = null; // { doing, loaded_bytes, total_bytes, seconds, seconds_left }
    this.wordsDone = 0;
    this.wordsTotal = 0;
    this.pace = null; // seconds of audio made in a second
    this.ignored = [];
    this.requestId = null;
    this.error = null; // ApiError
    this.busy = null; // the ApiError for which it waits to ask again
    this.begunAt = performance.now();
    this.giveUp = new AbortController();
  }

  get running() { return ['waiting', 'asking', 'queued', 'loading', 'speaking'].includes(this.state); }

  /** Seconds of the whole as far as can be told. */
  get expected() {
    if (this.tape.closed || !this.words.length || !this.wordsTotal) return this.tape.seconds;
    return Math.max(this.tape.seconds, (this.words.at(-1).start_s * this.wordsTotal) / this.words.length);
  }

  /** Until it is over, however it ends. One that was stopped may have been begun again before its request has ended: then
   * what is left of the first changes nothing. */
  async run() {
    const { signal } = this.giveUp;
    this.become('asking');
    try {
      await this.listen(signal);
      if (this.running) throw new ApiError(0, { code: 'broken' }); // the body ended before the speech did
    } catch (error) {
      if (!signal.aborted && this.running) this.fail(error);
    }
    if (signal.aborted) return;
    this.tape.close();
    this.become(this.state);
  }

  /** Be ready to run again from the sentence in which it broke off: what is before that stays. */
  rewind() {
    const at = brokenSentence(this.words, this.text), word = this.words[at];
    this.tape.cut(word && at ? Math.round(word.start_s * this.tape.rate) : 0);
    this.words.length = at;
    Object.assign(this, { from: at ? word.from : 0, fromS: this.tape.seconds, state: 'waiting', error: null, giveUp: new AbortController() });
    this.begunAt = performance.now();
  }

  /** Enough: what has arrived is kept. */
  stop() {
    if (!this.running) return;
    this.tape.close();
    this.become('stopped');
    this.giveUp.abort();
  }

  /** The server has no room: to be run again as it is. */
  hold(error) {
    if (this.tape.seconds > this.fromS) this.rewind();
    Object.assign(this, { error: null, busy: error, giveUp: new AbortController() });
    this.tape.closed = false;
    this.become('waiting');
  }

  // -- what the server tells -----------------------------------------------------------------------------------------

  on_queued({ position }) { this.place = position; this.become(position ? 'queued' : 'asking'); }

  on_loading(data) { this.loading = data; this.become('loading'); }

  on_start({ sample_rate, words_total, ignored, request_id }) {
    this.tape.rate = sample_rate;
    this.wordsBefore = this.words.length; // of requests before this one
    this.wordsTotal = words_total + this.wordsBefore;
    this.ignored = ignored ?? [];
    this.requestId = request_id;
  }

  on_word(word) {
    if (!this.running) return;
    this.words.push(this.placed(word));
    this.wordsDone = this.words.length;
    this.tell('word');
  }

  on_audio({ audio }) {
    if (!this.running) return;
    this.tape.append(pcm16(audio));
    if (this.state !== 'speaking') this.become('speaking');
    this.tell('audio');
  }

  on_progress({ words_total, pace }) {
    Object.assign(this, { wordsTotal: words_total + this.wordsBefore, pace });
    this.tell('progress');
  }

  on_done({ pace }) {
    if (!this.running) return;
    Object.assign(this, { pace: pace ?? this.pace });
    this.tape.close();
    this.become('complete');
  }

  on_error({ error }) { throw new ApiError(500, error, { requestId: this.requestId }); }

  // -- inside --------------------------------------------------------------------------------------------------------

  async listen(signal) {
    const json = { ...this.request, text: this.text.slice(this.from), format: 'pcm', stream_format: 'sse' };
    const response = await ask('api/tts', { method: 'POST', json, signal });
    for await (const { name, data } of events(response.body)) {
      signal.throwIfAborted(); // it has come already, but too late
      this[`on_${name}`]?.(data);
    }
  }

  /** A word of a request that began later in the text, in places and seconds of the whole. */
  placed(word) {
    const place = (at) => (at === null || at === undefined ? null : at + this.from), second = (s) => (s === null || s === undefined ? null : s + this.fromS);
    return { ...word, index: this.words.length, from: place(word.from), to: place(word.to), start_s: second(word.start_s), stop_s: second(word.stop_s) };
  }

  fail(error) {
    this.error = error instanceof ApiError ? error : new ApiError(0, { code: 'broken', message: String(error.message) });
    this.error.requestId ??= this.requestId;
    this.tape.close();
    this.become('failed');
  }

  become(state) { this.state = state; this.tell('change'); }

  tell(what) { this.dispatchEvent(new Event(what)); }
}

/** A job that is over, from what was kept of it: { id, request, words, wordsTotal, rate, complete } and its samples. */
export function jobOf(kept, samples) {
  const job = new Job(kept.request);
  Object.assign(job, { id: kept.id, words: kept.words, wordsDone: kept.words.length, wordsTotal: kept.wordsTotal, kept: true });
  job.tape = tapeOf(samples, kept.rate);
  job.state = kept.complete ? 'complete' : 'stopped';
  return job;
}

const ENDS = /[.!?…]["”’)»]*\s*$|\n/;
const LONGEST = 60; // words; a sentence that is longer is gone on with in its midst

/** A sentence ends between that word and the next. */
export function endsSentence(words, text, at) {
  const word = words[at], next = words[at + 1];
  return word.from !== null && ENDS.test(text.slice(word.from, next?.from ?? word.to));
}

/** The index of the first word of the sentence that the words end in. */
function brokenSentence(words, text) {
  let at = words.length - 1;
  while (at > 0 && words.length - at < LONGEST && !endsSentence(words, text, at - 1)) at--;
  while (at > 0 && words[at].from === null) at--;
  return Math.max(0, at);
}
