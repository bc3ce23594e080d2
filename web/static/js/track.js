// What is played: the speech of several passages in order, as one. What a Job tells of itself, for all of them together.
// Knows no sound and no page. Events: 'change', 'audio', 'word', 'progress', as those of a Job.
import { endsSentence } from './job.js';
import { Reel } from './reel.js';

const BACK_S = 1; // who asks for the sentence before within so long of a beginning means the one before that

export class Track extends EventTarget {
  /**
   * parts: [{ job, gap, passage, from }] with the place of the job's text in `text`. first: the part that is heard first.
   * estimate(text): seconds, of what has not begun. kept: it comes from the history.
   */
  constructor(parts, { text, first = 0, estimate = () => 0, kept = null }) {
    super();
    Object.assign(this, { parts, text, first, estimate, kept, jobs: [...new Set(parts.map(({ job }) => job))], guesses: new Map() });
    this.tape = new Reel(parts.map(({ job, gap }) => ({ get tape() { return job.tape; }, gap })), parts[0]?.job.tape.rate);
    this.begunAt = performance.now();
    for (const job of this.jobs) for (const what of ['change', 'audio', 'word', 'progress']) job.addEventListener(what, () => this.tell(what));
  }

  /** The job that is under way, or waited for. */
  get open() { return this.jobs.find((job) => job.running); }

  get running() { return Boolean(this.open); }

  /** As that of a job; busy: the server has no room and is asked again by itself. */
  get state() {
    const { open } = this;
    if (open && this.sounds) return 'speaking';
    if (open) return open.busy ? 'busy' : open.state === 'waiting' ? 'asking' : open.state;
    if (this.failed) return 'failed';
    return this.jobs.some((job) => job.state === 'stopped') ? 'stopped' : 'complete';
  }

  /** Something of what was asked for can be heard. */
  get sounds() { return this.tape.seconds > this.tape.startOf(this.first); }

  get failed() { return this.jobs.find((job) => job.state === 'failed' && job.error?.code !== 'nothing_to_say') ?? (this.tape.length ? undefined : this.jobs.find((job) => job.state === 'failed')); }

  get error() { return (this.open?.busy ?? this.failed?.error) || null; }

  get place() { return this.open?.place ?? 0; }

  get loading() { return this.open?.loading ?? null; }

  get pace() { return this.jobs.findLast((job) => job.pace)?.pace ?? null; }

  get ignored() { return this.jobs.find((job) => job.ignored.length)?.ignored ?? []; }

  get wordsDone() { return sum(this.jobs, (job) => job.words.length); }

  get wordsTotal() { return sum(this.jobs, (job) => job.wordsTotal || this.guess(job).words); }

  /** Seconds of the whole as far as can be told. */
  get expected() {
    if (this.tape.closed) return this.tape.seconds;
    return sum(this.parts, ({ job, gap }) => gap + this.secondsOf(job));
  }

  /** Of all parts that have begun: places in the whole text, seconds of the whole. */
  get words() {
    return this.parts.flatMap(({ job, from }, i) => {
      const start = this.tape.startOf(i), place = (at) => (at === null ? null : at + from);
      return job.words.map((w) => ({ ...w, from: place(w.from), to: place(w.to), start_s: w.start_s + start, stop_s: w.stop_s === null ? null : w.stop_s + start }));
    });
  }

  /** Where the parts begin, as parts of the whole, as far as can be told: { at, title }. */
  get marks() {
    let at = 0;
    return this.parts.map(({ job, gap, title }) => {
      const mark = { at, title };
      at += gap + this.secondsOf(job);
      return mark;
    });
  }

  /** When the sentence before or after that position begins; null if there is none. step: -1 or 1. */
  sentence(position, step) {
    const i = this.tape.partAt(position), starts = [i - 1, i, i + 1].flatMap((at) => this.starts(at));
    if (step > 0) return starts.find(({ at }) => at > position + 0.05)?.word ?? null;
    return starts.findLast(({ at }) => at < position - BACK_S)?.word ?? 0;
  }

  /** The sentence that is heard at that position. */
  line(position) {
    const i = this.tape.partAt(position), { words, text } = this.parts[i].job, second = position - this.tape.startOf(i);
    let first = Math.max(0, words.findLastIndex((word) => word.start_s <= second + 0.001)), last = first;
    if (!words.length) return '';
    while (first > 0 && !endsSentence(words, text, first - 1)) first--;
    while (last < words.length - 1 && !endsSentence(words, text, last)) last++;
    return text.slice(words[first].from ?? 0, words[last].to ?? text.length).trim();
  }

  /** Where the sentences of a part begin, and their first words: a part begins a little before its first word. */
  starts(index) {
    const job = this.parts[index]?.job, start = job && this.tape.startOf(index);
    if (!job?.tape.length) return [];
    const words = job.words.filter((_, i) => i > 0 && endsSentence(job.words, job.text, i - 1)).map((word) => word.start_s + start);
    return [{ at: start, word: start + (job.words[0]?.start_s ?? 0) }, ...words.map((word) => ({ at: word, word }))];
  }

  secondsOf(job) { return job.wordsTotal || !job.running ? job.expected : this.guess(job).seconds; }

  /** Of a job that has not begun: its text is looked at once, not in every frame. */
  guess(job) {
    if (!this.guesses.has(job)) this.guesses.set(job, { words: job.text.split(/\s+/).length, seconds: this.estimate(job.text) });
    return this.guesses.get(job);
  }

  tell(what) { this.dispatchEvent(new Event(what)); }
}

const sum = (list, of) => list.reduce((all, one) => all + of(one), 0);
