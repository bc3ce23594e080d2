// The text while it is spoken: each word not made yet, made, heard, or being heard. Knows no player.
import { $, el } from './dom.js';

const TAG = /<break[^<>]*>/gi; // not spoken
const SAMPLE_S = 0.001; // a seek lands on a sample, which may be a little before the time of the word

export class Reading {
  constructor() {
    this.box = $('reading');
    this.follow = $('b-follow');
    this.following = true;
    this.job = null;
    this.spans = []; // of the words in the text: { from, to, element }
    this.timed = []; // of the words that were said: the index of their first span
    this.current = this.heard = this.made = -1; // indexes into spans
    for (const type of ['wheel', 'touchmove', 'pointerdown']) this.box.addEventListener(type, (event) => this.left(event), { passive: true });
    this.box.addEventListener('keydown', (event) => { if (/^(Arrow|Page|Home|End)/.test(event.key)) this.left(event); });
    this.follow.addEventListener('click', () => { this.box.focus({ preventScroll: true }); this.setFollowing(true); this.intoView(); });
  }

  /** Lay out the text of a job. language: of the voice. */
  open(job, language) {
    this.job = job;
    this.timed = [];
    this.current = this.heard = this.made = -1;
    this.spans = split(job.text);
    const parts = [];
    let at = 0;
    for (const span of this.spans) {
      span.element = el('span', { class: 'w' }, job.text.slice(span.from, span.to));
      parts.push(job.text.slice(at, span.from), span.element);
      at = span.to;
    }
    this.box.replaceChildren(...parts, job.text.slice(at));
    this.box.lang = language;
    this.box.scrollTop = 0;
    this.setFollowing(true);
    job.words.forEach((word) => this.place(word));
  }

  /** Another word was said. */
  place(word) {
    const from = word.from ?? -1, last = this.timed.at(-1) ?? -1;
    let index = last + 1;
    if (from >= 0) while (index < this.spans.length - 1 && this.spans[index].to <= from) index++;
    if (from >= 0 && this.spans[last] && from < this.spans[last].to) index = last; // two words of the voice in one of the text
    this.timed.push(Math.min(index, this.spans.length - 1));
  }

  /** Show where the listener is. over: everything that was made was heard. */
  show(position, arrived, over) {
    const words = this.job?.words ?? [], n = words.length;
    const at = last(words, n, position + SAMPLE_S), made = last(words, n, arrived);
    const whole = !over ? -1 : this.job.state === 'complete' ? this.spans.length : (this.timed.at(-1) ?? -1) + 1;
    const current = over || at < 0 ? -1 : this.timed[at];
    const heard = over ? whole : current;
    this.paint(current, heard, Math.max(made < 0 ? -1 : this.timed[made], whole - 1));
  }

  /** Change only the words between the old edges and the new ones: a text may have thousands. */
  paint(current, heard, made) {
    if (current === this.current && heard === this.heard && made === this.made) return;
    const edges = [current, heard, made, this.current, this.heard, this.made];
    const low = Math.max(0, Math.min(...edges)), high = Math.min(this.spans.length - 1, Math.max(...edges));
    const moved = current !== this.current;
    Object.assign(this, { current, heard, made });
    for (let i = low; i <= high; i++) {
      this.spans[i].element.className = `w${i <= made ? ' got' : ''}${i < heard ? ' said' : ''}${i === current ? ' on' : ''}`;
    }
    if (moved && this.following) this.intoView();
  }

  /** The word being heard as it stands in the text; empty between. */
  word() {
    const span = this.spans[this.current];
    return span ? this.job.text.slice(span.from, span.to) : '';
  }

  /** Where in the text the listener is, as an offset. */
  offset() { return this.spans[Math.min(Math.max(this.heard, 0), this.spans.length - 1)]?.from ?? 0; }

  /** When the word under an element begins, in seconds; null if it was not said yet. */
  timeOf(element) {
    const index = this.spans.findIndex((span) => span.element === element), at = this.timed.indexOf(index);
    return at < 0 ? null : this.job.words[at].start_s;
  }

  /** When the sentence before or after that position begins. step: -1 or 1. */
  sentence(position, step) {
    const starts = [0, ...this.job.words.filter((_, i) => i > 0 && this.endsSentence(i - 1)).map((word) => word.start_s)];
    return step > 0 ? starts.find((s) => s > position + 0.05) ?? null : starts.findLast((s) => s < position - 1) ?? 0;
  }

  endsSentence(at) {
    const span = this.spans[this.timed[at]], next = this.spans[this.timed[at] + 1];
    const gap = this.job.text.slice(span.from, next?.from ?? span.to);
    return /[.!?…]["”’)»]*\s*$|\n/.test(gap);
  }

  /** The reader has scrolled away by hand. */
  left(event) {
    const scrolls = this.box.scrollHeight > this.box.clientHeight + 1;
    const onBar = event.type !== 'pointerdown' || event.offsetX > this.box.clientWidth;
    if (scrolls && onBar && this.current >= 0) this.setFollowing(false);
  }

  setFollowing(on) { this.following = on; this.follow.hidden = on; }

  /** Keep the current word in sight; it comes to rest at a third of the height. */
  intoView() {
    const element = this.spans[this.current]?.element;
    if (!element || this.box.hidden) return;
    const top = element.offsetTop - this.box.offsetTop, { scrollTop, clientHeight } = this.box;
    if (top < scrollTop || top + element.offsetHeight > scrollTop + clientHeight - 32) this.box.scrollTop = top - clientHeight / 3;
  }
}

function split(text) {
  const tags = [...text.matchAll(TAG)].map((m) => [m.index, m.index + m[0].length]);
  const spoken = tags.reduceRight((s, [a, b]) => s.slice(0, a) + ' '.repeat(b - a) + s.slice(b), text);
  return [...spoken.matchAll(/\S+/g)].map((m) => ({ from: m.index, to: m.index + m[0].length }));
}

/** The last word that begins at or before that second; -1 if none does. */
function last(words, n, second) {
  let low = 0, high = n;
  while (low < high) { const middle = (low + high) >> 1; if (words[middle].start_s <= second) low = middle + 1; else high = middle; }
  return low - 1;
}
