// One passage while it is heard: each word not made yet, made, heard, or being heard. Knows no player.
import { el } from './dom.js';

const TAG = /<break[^<>]*>/gi; // not spoken
const SAMPLE_S = 0.001; // a seek lands on a sample, which may be a little before the time of the word

export class Marked {
  /** element: holds the written text, of which the first `skip` characters are not spoken. */
  constructor(element, text, skip, job) {
    Object.assign(this, { element, text, skip, job });
    this.timed = []; // of the words that were said: the index of their span
    this.current = this.heard = this.made = -1; // indexes into spans
    this.spans = split(text.slice(skip)).map(({ from, to }) => ({ from: from + skip, to: to + skip }));
    let at = 0;
    const parts = [];
    for (const span of this.spans) {
      span.element = el('span', { class: 'w' }, text.slice(span.from, span.to));
      parts.push(text.slice(at, span.from), span.element);
      at = span.to;
    }
    element.replaceChildren(...parts, text.slice(at));
  }

  /** The words are plain text again. */
  clear() { this.element.textContent = this.text; }

  /** Show where the listener is, in seconds of this passage. over: everything that was made was heard. */
  show(position, arrived, over) {
    const { words } = this.job, n = words.length;
    while (this.timed.length < n) this.place(words[this.timed.length]);
    const at = last(words, n, position + SAMPLE_S), made = last(words, n, arrived);
    const whole = !over ? -1 : this.job.state === 'complete' ? this.spans.length : (this.timed.at(-1) ?? -1) + 1;
    const current = over || at < 0 ? -1 : this.timed[at];
    this.paint(current, over ? whole : current, Math.max(made < 0 ? -1 : this.timed[made], whole - 1));
  }

  /** The word being heard as it stands in the text; empty between. */
  get word() {
    const span = this.spans[this.current];
    return span ? this.text.slice(span.from, span.to) : '';
  }

  /** The element of the word being heard; undefined between. */
  get spot() { return this.spans[this.current]?.element; }

  /** When the word at an offset of the passage begins, in seconds of the passage; null if it was not said yet. */
  timeAt(offset) {
    const index = this.spans.findIndex((span) => offset >= span.from && offset <= span.to), at = this.timed.indexOf(index);
    return index < 0 || at < 0 ? null : this.job.words[at].start_s;
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  /** Another word was said. */
  place(word) {
    const from = word.from === null ? -1 : word.from + this.skip, before = this.timed.at(-1) ?? -1;
    let index = before + 1;
    if (word.from !== null) while (index < this.spans.length - 1 && this.spans[index].to <= from) index++;
    if (word.from !== null && this.spans[before] && from < this.spans[before].to) index = before; // two words of the voice in one of the text
    this.timed.push(Math.min(index, this.spans.length - 1));
  }

  /** Change only the words between the old edges and the new ones: a passage may have thousands. */
  paint(current, heard, made) {
    if (current === this.current && heard === this.heard && made === this.made) return;
    const edges = [current, heard, made, this.current, this.heard, this.made];
    const low = Math.max(0, Math.min(...edges)), high = Math.min(this.spans.length - 1, Math.max(...edges));
    Object.assign(this, { current, heard, made });
    for (let i = low; i <= high; i++) {
      this.spans[i].element.className = `w${i <= made ? ' got' : ''}${i < heard ? ' said' : ''}${i === current ? ' on' : ''}`;
    }
  }
}

function split(text) {
  const spoken = text.replace(TAG, (tag) => ' '.repeat(tag.length));
  return [...spoken.matchAll(/\S+/g)].map((m) => ({ from: m.index, to: m.index + m[0].length }));
}

/** The last word that begins at or before that second; -1 if none does. */
function last(words, n, second) {
  let low = 0, high = n;
  while (low < high) { const middle = (low + high) >> 1; if (words[middle].start_s <= second) low = middle + 1; else high = middle; }
  return low - 1;
}
