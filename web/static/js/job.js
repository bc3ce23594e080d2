// One text on its way to speech: the request, what the server tells of it, the audio it sends. Knows no sound and no page.
// Events: 'change' (state, place, loading), 'audio', 'word', 'progress'.
import { ApiError, ask } from './api.js';
import { events, pcm16 } from './sse.js';
import { Tape, tapeOf } from './tape.js';

export class Job extends EventTarget {
  /** request: { text, voice, speed?, cfg_coef? } as POST api/tts takes them. */
  constructor(request) {
    super();
    this.request = request;
    this.text = request.text;
    this.state = 'asking'; // asking, queued, loading, speaking, then over: complete, stopped, failed
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
    this.begunAt = performance.now();
    this.giveUp = new AbortController();
  }

  get running() { return ['asking', 'queued', 'loading', 'speaking'].includes(this.state); }

  /** Seconds of the whole as far as can be told. */
  get expected() {
    if (this.tape.closed || !this.words.length || !this.wordsTotal) return this.tape.seconds;
    return Math.max(this.tape.seconds, (this.words.at(-1).start_s * this.wordsTotal) / this.words.length);
  }

  /** Until it is over, however it ends. */
  async run() {
    try {
      const json = { ...this.request, format: 'pcm', stream_format: 'sse' };
      const response = await ask('api/tts', { method: 'POST', json, signal: this.giveUp.signal });
      for await (const { name, data } of events(response.body)) this[`on_${name}`]?.(data);
      if (this.running) throw new ApiError(0, { code: 'broken' }); // the body ended before the speech did
    } catch (error) {
      if (this.running) this.fail(error);
    }
    this.tape.close();
    this.become(this.state);
  }

  /** Enough: what has arrived is kept. */
  stop() {
    if (!this.running) return;
    this.tape.close();
    this.become('stopped');
    this.giveUp.abort();
  }

  // -- what the server tells -----------------------------------------------------------------------------------------

  on_queued({ position }) { this.place = position; this.become(position ? 'queued' : 'asking'); }

  on_loading(data) { this.loading = data; this.become('loading'); }

  on_start({ sample_rate, words_total, ignored, request_id }) {
    this.tape.rate = sample_rate;
    this.wordsTotal = words_total;
    this.ignored = ignored ?? [];
    this.requestId = request_id;
  }

  on_word(word) {
    if (!this.running) return;
    this.words.push(word);
    this.wordsDone = this.words.length;
    this.tell('word');
  }

  on_audio({ audio }) {
    if (!this.running) return;
    this.tape.append(pcm16(audio));
    if (this.state !== 'speaking') this.become('speaking');
    this.tell('audio');
  }

  on_progress({ words_done, words_total, rtf }) {
    Object.assign(this, { wordsDone: words_done, wordsTotal: words_total, pace: rtf });
    this.tell('progress');
  }

  on_done({ words, rtf }) {
    if (!this.running) return;
    Object.assign(this, { wordsDone: words, pace: rtf ?? this.pace });
    this.tape.close();
    this.become('complete');
  }

  on_error({ error }) { throw new ApiError(500, error, { requestId: this.requestId }); }

  // -- inside --------------------------------------------------------------------------------------------------------

  fail(error) {
    this.error = error instanceof ApiError ? error : new ApiError(0, { code: 'broken', message: String(error.message) });
    this.error.requestId ??= this.requestId;
    this.tape.close();
    this.become('failed');
  }

  become(state) { this.state = state; this.tell('change'); }

  tell(what) { this.dispatchEvent(new Event(what)); }
}

/** A job that is over, from what was kept of it: { request, words, wordsTotal, rate, complete } and its samples. */
export function jobOf(kept, samples) {
  const job = new Job(kept.request);
  Object.assign(job, { words: kept.words, wordsDone: kept.words.length, wordsTotal: kept.wordsTotal, fromHistory: true });
  job.tape = tapeOf(samples, kept.rate);
  job.state = kept.complete ? 'complete' : 'stopped';
  return job;
}
