// What was written and spoken in this browser: play, open, name, save, delete with undo, search. What is kept is the library's.
import { $, clock, el, icon, name, put } from './dom.js';
import { lang, number, onLanguage, t } from './i18n.js';

const UNDO_MS = 8000;
const TITLE_CHARS = 60;
const LOOKED_AT = 400; // characters of a text, which may be a book
const SEARCH_FROM = 6; // entries
const KEPT = { kept: 'history_d', full: 'h_full', refused: 'h_memory' };
const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const MB = 1e6;

/** Events: 'press' before a 'play'; 'play', 'download', 'open' with the document as detail. */
export class History extends EventTarget {
  constructor(library) {
    super();
    Object.assign(this, { library, leaving: new Map(), clearing: null, naming: null });
    $('hlist').addEventListener('click', (event) => this.clicked(event));
    $('hlist').addEventListener('keydown', (event) => this.key(event));
    $('hlist').addEventListener('focusout', (event) => { if (event.target.matches('.hname')) this.named(event.target.value); });
    $('b-hclear').addEventListener('click', () => this.clear());
    $('hq').addEventListener('input', () => this.render());
    $('b-surplus').addEventListener('click', () => library.remove(library.surplus));
    $('b-keepall').addEventListener('click', () => library.keepAll());
    library.addEventListener('change', () => this.render());
    setInterval(() => { if (!document.hidden) this.renderTimes(); }, MINUTE);
    onLanguage(() => this.render());
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  /** What is listed: what was spoken, and what was written and then left. */
  get list() { return this.library.list.filter((doc) => doc.takes.length || doc.id !== this.library.script.id); }

  clicked(event) {
    const action = event.target.closest('[data-do]')?.dataset.do, id = event.target.closest('li')?.dataset.id;
    const doc = this.list.find((d) => d.id === id);
    if (!action || !doc) return;
    if (action === 'delete') this.remove(doc);
    else if (action === 'undo') this.undo(doc);
    else if (action === 'name') this.rename(doc);
    else {
      if (action === 'play') this.tell('press'); // the player must be unlocked by this very click, before samples are read
      this.tell(action, doc);
    }
  }

  key(event) {
    if (!event.target.matches('.hname') || !['Enter', 'Escape'].includes(event.key) || event.isComposing) return;
    event.stopPropagation();
    event.preventDefault(); // else Enter would press the button that gets the focus
    if (event.key === 'Escape') this.naming = null;
    event.target.blur();
    this.render();
    this.row({ id: event.target.closest('li')?.dataset.id })?.querySelector('[data-do=name]')?.focus();
  }

  tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  rename(doc) {
    this.naming = doc.id;
    this.render();
    const box = this.row(doc).querySelector('.hname');
    box.focus();
    box.select();
  }

  named(text) {
    const doc = this.list.find((d) => d.id === this.naming);
    this.naming = null;
    if (doc) this.library.rename(doc, text.trim());
  }

  remove(doc) {
    this.leaving.set(doc.id, setTimeout(() => { this.leaving.delete(doc.id); this.library.remove([doc]); }, UNDO_MS));
    this.render();
    this.row(doc)?.querySelector('button').focus(); // Undo, where Delete was
  }

  undo(doc) {
    clearTimeout(this.leaving.get(doc.id));
    this.leaving.delete(doc.id);
    this.render();
    this.row(doc)?.querySelector('[data-do=play]').focus();
  }

  /** All of it, and the same button brings it back. */
  clear() {
    if (this.clearing) {
      clearTimeout(this.clearing);
      this.clearing = null;
    } else {
      const gone = this.list;
      this.clearing = setTimeout(() => { this.clearing = null; this.library.remove(gone); }, UNDO_MS);
    }
    this.render();
  }

  row(doc) { return [...$('hlist').children].find((li) => li.dataset.id === doc.id); }

  render() {
    if (this.naming && this.row({ id: this.naming })?.querySelector('.hname')) return; // a name is being written
    const { list } = this, search = $('hq').value.trim().toLowerCase(), focused = this.focused();
    const shown = this.clearing ? [] : list.filter((doc) => !search || `${doc.name} ${doc.text}`.toLowerCase().includes(search));
    const { bytes, store } = this.library;
    put($('h-sub'), `${bytes ? `${t('h_size', { n: number(bytes / MB, bytes < 10 * MB ? 1 : 0) })} · ` : ''}${t(KEPT[store?.state ?? 'kept'])}`);
    put($('b-hclear'), t(this.clearing ? 'undo' : 'h_clear'));
    $('b-hclear').hidden = !list.length;
    $('h-find').hidden = list.length < SEARCH_FROM && !search;
    const empty = el('li', { class: 'empty' }, t(this.clearing ? 'h_cleared' : search ? 'h_none' : 'h_empty'));
    const rows = shown.length ? shown.map((doc) => this.rowFor(doc)) : [empty], old = $('hlist').children;
    if (rows.length !== old.length || rows.some((row, i) => row !== old[i])) {
      $('hlist').replaceChildren(...rows);
      focused?.();
    }
    this.renderSurplus();
  }

  /** The row that is there, if it would be the same: a press may be on its way. */
  rowFor(doc) {
    const leaving = this.leaving.has(doc.id), naming = doc.id === this.naming, old = this.row(doc);
    const look = JSON.stringify([lang, leaving, naming, titleOf(doc), line(doc), doc.language]);
    if (old?.dataset.look === look) return old;
    const row = leaving ? goneRow(doc) : liveRow(doc, naming);
    row.dataset.look = look;
    return row;
  }

  renderSurplus() {
    const { surplus, bytes } = this.library;
    $('h-surplus').hidden = !surplus.length;
    if (surplus.length) put($('h-surplus').firstElementChild, t('h_surplus', { n: surplus.length, size: number(bytes / MB, 0) }));
  }

  /** What gives the focus back where it is now, if it is in here: rows are made anew. The heading has it if all else is gone. */
  focused() {
    const active = document.activeElement, id = active.closest('#hlist li')?.dataset.id, action = active.dataset.do;
    if (!id && active !== $('b-hclear')) return null;
    const again = id ? () => this.row({ id })?.querySelector(`[data-do=${action}]`) : () => ($('b-hclear').hidden ? null : $('b-hclear'));
    return () => (again() ?? $('h-hist')).focus({ preventScroll: true });
  }

  renderTimes() { for (const d of this.list) { const small = this.row(d)?.querySelector('small'); if (small) put(small, line(d)); } }
}

/** A document in one line: its name, its title, or how it begins. */
export function titleOf({ name: given, text }) {
  const begin = text.trimStart().slice(0, LOOKED_AT), title = /^#{1,6}[ \t]+(.+)/.exec(begin)?.[1];
  return given || (title ?? begin).replace(/\s+/g, ' ').trim().slice(0, 200);
}

function line(doc) {
  const speed = doc.settings?.speed, whole = !doc.takes.length ? t('h_unmade') : doc.whole ? clock(doc.seconds) : t('h_part', { a: clock(doc.seconds), b: clock(doc.expected ?? doc.seconds) });
  return [whole, ago(doc.at), doc.voices, speed && speed !== 1 ? `${number(speed, 2)}×` : ''].filter(Boolean).join(' · ');
}

function liveRow(doc, naming) {
  const text = titleOf(doc), short = text.slice(0, TITLE_CHARS);
  const button = (action, drawing, key, kind = 'icon') => {
    const b = el('button', { class: kind, 'data-do': action }, icon(drawing));
    name(b, t(`h_${key}`, { text: short }));
    if (action !== 'delete' && action !== 'name' && action !== 'open' && !doc.takes.length) b.disabled = true;
    return b;
  };
  const ops = el('div', { class: 'ops' }, button('open', 'file', 'reuse_x'), button('name', 'pen', 'name_x'), button('download', 'down', 'download_x'), button('delete', 'trash', 'delete_x'));
  const title = naming ? el('input', { class: 'hname', value: text, 'aria-label': t('h_name') }) : el('p', { lang: doc.language }, text);
  return el('li', { class: 'h', 'data-id': doc.id }, button('play', 'play', 'play', 'round'), title, el('small', {}, line(doc)), ops);
}

function goneRow(doc) {
  return el('li', { class: 'h gone', 'data-id': doc.id }, el('p', {}, t('h_deleted')), el('button', { class: 'link', 'data-do': 'undo' }, t('undo')));
}

export function ago(at) {
  const past = Date.now() - at;
  if (past < MINUTE) return t('now');
  if (past < HOUR) return t('min_ago', { n: Math.floor(past / MINUTE) });
  if (past < DAY) return t('hours_ago', { n: Math.floor(past / HOUR) });
  if (past < 2 * DAY) return t('yesterday');
  return new Intl.DateTimeFormat(lang, { dateStyle: 'medium' }).format(at);
}
