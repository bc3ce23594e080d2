// What lies behind the text box: the same text once more, in which passages and words can be marked, and a button beside each
// passage. The box itself has no colour of its own for its text. Knows no player.
import { $, el, icon, name, draw } from './dom.js';
import { lang, t } from './i18n.js';
import { Marked } from './marked.js';

const ICONS = { none: 'dotted', waiting: 'clock', making: 'wave', made: 'ok', stale: 'again', part: 'half', failed: 'err' };

/** Events: 'passage' (detail: { passage, button }) when a button is pressed. */
export class Sheet extends EventTarget {
  /** voiceOf(passage): the name of a voice of its own, or ''. */
  constructor(voiceOf) {
    super();
    Object.assign(this, { voiceOf, states: [], box: $('reading'), desk: $('desk'), blocks: [], rows: [], marked: null, following: true });
    this.box.addEventListener('click', (event) => this.pressed(event));
    this.box.addEventListener('keydown', (event) => this.key(event));
    for (const type of ['wheel', 'touchmove', 'pointerdown']) this.desk.addEventListener(type, (event) => this.left(event), { passive: true });
    $('b-follow').addEventListener('click', () => { this.setFollowing(true); this.intoView(); });
  }

  /** The text and its passages. Only what has changed is touched: a document may have thousands. */
  render(text, passages) {
    const blocks = blocksOf(text, passages), old = this.blocks;
    let head = 0, tail = 0;
    while (head < old.length && head < blocks.length && same(old[head], blocks[head])) head++;
    while (tail < old.length - head && tail < blocks.length - head && same(old.at(-1 - tail), blocks.at(-1 - tail))) tail++;
    this.replace(blocks, head, tail);
    this.box.parentElement.classList.toggle('many', this.rows.length > 1);
  }

  /** Where the listener is in a track of this document. over: all that was made was heard. */
  show(track, position, over) {
    const at = track.tape.partAt(position), part = track.parts[at], row = this.rowOf(part.passage);
    const word = this.marked?.spot;
    if (this.marked?.job !== part.job || this.marked?.row !== row) this.mark(row, part);
    const start = track.tape.startOf(at);
    this.marked?.show(position - start, part.job.tape.seconds, over || position - start > part.job.tape.seconds + 0.05);
    if (this.at !== at || this.over !== over) this.renderHeard(track, at, over);
    if (this.marked?.spot && this.marked.spot !== word && this.following) this.intoView();
  }

  /** Nothing of this document is being heard. */
  clear() {
    this.mark(null, null);
    this.at = undefined;
    for (const { span } of this.rows) span.removeAttribute('data-heard');
  }

  /** What was made has changed: whole passages are looked at again. */
  stale() { this.at = undefined; }

  word() { return this.marked?.word ?? ''; }

  /** When the word at a place in the text is heard in that track; null if it is not. */
  timeAt(track, offset) {
    const row = this.rows.find(({ passage }) => offset >= passage.from && offset <= passage.to);
    const at = row ? track.parts.findIndex(({ passage, job }) => passage === row.passage && job.text === passage.text) : -1;
    if (at < 0) return null;
    if (this.marked?.row !== row) this.mark(row, track.parts[at]);
    this.marked.show(-1, 0, false); // the words that have come have their places
    const second = this.marked.timeAt(offset - row.passage.from);
    return second === null ? null : track.tape.startOf(at) + second;
  }

  /** The state of each passage, see script.js. Touches only what shows another. */
  renderStates(states = this.states) {
    this.states = states;
    const stop = Math.min(this.tab ?? 0, this.rows.length - 1);
    for (const [i, row] of this.rows.entries()) {
      const state = states[i] ?? 'none', voice = this.voiceOf(row.passage), look = [lang, i, state, voice, i === stop].join();
      if (row.look === look) continue;
      row.look = look;
      row.button.tabIndex = i === stop ? 0 : -1;
      row.button.dataset.state = state;
      draw(row.button.firstElementChild, ICONS[state]);
      row.tag.textContent = voice.split(' ').at(-1); // there is room for five letters; the button's name has all of it
      name(row.button, t('passage', { n: i + 1, state: t(`ps_${state}`), text: row.passage.text.slice(0, 40) }) + (voice ? `, ${voice}` : ''));
    }
  }

  setFollowing(on) { this.following = on; $('b-follow').hidden = on; }

  /** Bring a passage into sight. */
  reveal(passage) { this.scrollTo(this.rowOf(passage)?.span); }

  // -- inside --------------------------------------------------------------------------------------------------------

  replace(blocks, head, tail) {
    const old = this.blocks, gone = old.slice(head, old.length - tail), next = old[old.length - tail]?.element ?? null;
    for (const { rows, element } of gone) {
      if (rows.includes(this.marked?.row)) this.marked = null;
      element.remove();
    }
    const made = blocks.slice(head, blocks.length - tail).map(makeBlock);
    for (const { element } of made) this.box.insertBefore(element, next);
    this.blocks = [...old.slice(0, head), ...made, ...old.slice(old.length - tail)];
    this.rows = this.blocks.flatMap(({ rows }) => rows);
  }

  rowOf(passage) { return this.rows.find((row) => row.passage === passage) ?? null; }

  mark(row, part) {
    if (this.marked?.row.span.isConnected) this.marked.clear();
    this.marked = row && part && part.job.text === row.passage.text ? new Marked(row.span, row.text, row.passage.skip, part.job) : null;
    if (this.marked) this.marked.row = row;
  }

  /** Whole passages: heard, made, or neither. */
  renderHeard(track, at, over) {
    Object.assign(this, { at, over });
    const index = new Map(track.parts.map(({ passage }, i) => [passage, i]));
    for (const { passage, span } of this.rows) {
      const i = index.get(passage), heard = i === undefined ? 'no' : i < at || (over && track.parts[i].job.tape.length) ? 'yes' : track.parts[i].job.tape.closed ? 'made' : 'no';
      const now = i === at && !over ? 'now' : heard;
      if (span.dataset.heard !== now) span.dataset.heard = now;
    }
  }

  pressed(event) {
    const row = this.rows.find(({ button }) => button.contains(event.target));
    if (row) this.dispatchEvent(new CustomEvent('passage', { detail: { passage: row.passage, button: row.button } }));
  }

  /** One of the buttons is a stop of the tab key, the arrows go to the others. */
  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], at = this.rows.findIndex(({ button }) => button === event.target);
    if (!step || at < 0) return;
    event.preventDefault();
    this.tab = Math.max(0, Math.min(this.rows.length - 1, at + step));
    this.renderStates();
    this.rows[this.tab].button.focus();
  }

  /** The reader has scrolled away by hand. */
  left(event) {
    const scrolls = this.desk.scrollHeight > this.desk.clientHeight + 1;
    const onBar = event.type !== 'pointerdown' || event.offsetX > this.desk.clientWidth;
    if (scrolls && onBar && this.marked?.spot) this.setFollowing(false);
  }

  /** Keep the current word in sight; it comes to rest at a third of the height. */
  intoView() { this.scrollTo(this.marked?.spot); }

  scrollTo(element) {
    if (!element) return;
    const box = this.desk.getBoundingClientRect(), place = element.getBoundingClientRect();
    if (place.top < box.top || place.bottom > box.bottom - 32) this.desk.scrollTop += place.top - box.top - box.height / 3;
  }
}

/**
 * The text in blocks: { before, rows }, each from the beginning of a line to the end of one, so that a browser lays out anew only the
 * block that has changed. before: blank text ahead of the first passage. A row is a passage and what is between it and the next.
 */
function blocksOf(text, passages) {
  const blocks = [{ before: text.slice(0, passages[0]?.from ?? text.length), rows: [] }];
  for (const [i, passage] of passages.entries()) {
    const row = { passage, text: text.slice(passage.from, passage.to), after: text.slice(passage.to, passages[i + 1]?.from ?? text.length) };
    if (blocks.at(-1).rows.at(-1)?.after.includes('\n')) blocks.push({ before: '', rows: [] });
    blocks.at(-1).rows.push(row);
  }
  return blocks;
}

const same = (a, b) => a.before === b.before && a.rows.length === b.rows.length && a.rows.every((row, i) => alike(row, b.rows[i]));

const alike = (a, b) => a.passage === b.passage && a.text === b.text && a.after === b.after;

function makeBlock({ before, rows }) {
  const made = rows.map(makeRow);
  return { before, rows: made, element: el('div', { class: 'block' }, before, ...made.flatMap(({ button, span, after }) => [button, span, after])) };
}

/** The button lies beside the first line of its passage: it has no place in the text itself. */
function makeRow(row) {
  const tag = el('i'), button = el('button', { class: 'pb', type: 'button', tabindex: -1, 'aria-haspopup': 'true' }, icon('dotted'), tag);
  return { ...row, button, tag, span: el('span', { class: 'p', 'aria-hidden': 'true' }, row.text) };
}
