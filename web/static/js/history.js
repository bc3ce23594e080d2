// What was spoken in this browser: play again, use again, download, delete with undo.
import { $, clock, el, icon, name, put } from './dom.js';
import { lang, onLanguage, t } from './i18n.js';
import { jobOf } from './job.js';
import { openStore } from './store.js';

const UNDO_MS = 8000;
const TITLE_CHARS = 60;
const KEPT = { kept: 'history_d', full: 'h_full', refused: 'h_memory' };
const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

/** Events: 'press' before a 'play'; 'play' and 'download' with detail { entry, job }, 'reuse' with { entry }. */
export class History extends EventTarget {
  constructor() {
    super();
    this.list = [];
    this.store = null;
    this.leaving = new Map(); // id -> the timer after which it is really gone
    this.clearing = null;
    this.ready = openStore().then((store) => { this.store = store; return this.look(); });
    $('hlist').addEventListener('click', (event) => this.clicked(event));
    $('b-hclear').addEventListener('click', () => this.clear());
    setInterval(() => { if (!document.hidden) this.renderTimes(); }, MINUTE);
    onLanguage(() => this.render());
  }

  /** Keep the speech of a job that is over. voiceName: as shown. */
  async add(job, voiceName, language) {
    await this.ready;
    const samples = job.tape.samples();
    const entry = {
      id: `${Date.now()}-${Math.random().toString(36).slice(2)}`, at: Date.now(), request: job.request, voiceName, language,
      words: job.words, wordsTotal: job.wordsTotal, rate: job.tape.rate, seconds: job.tape.seconds,
      complete: job.state === 'complete', bytes: samples.byteLength,
    };
    await this.store.add(entry, samples);
    await this.look();
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  async clicked(event) {
    const action = event.target.closest('[data-do]')?.dataset.do, id = event.target.closest('li')?.dataset.id;
    const entry = this.list.find((e) => e.id === id);
    if (!action || !entry) return;
    if (action === 'delete') this.remove(entry);
    else if (action === 'undo') this.undo(entry);
    else if (action === 'reuse') this.tell(action, { entry });
    else {
      // The player of the stage must be unlocked by this very click, before the samples are read (see app.js).
      if (action === 'play') this.tell('press');
      const samples = await this.store.samples(id);
      if (samples) this.tell(action, { entry, job: jobOf(entry, samples) }); else await this.look(); // deleted in another tab
    }
  }

  tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }

  remove(entry) {
    this.leaving.set(entry.id, setTimeout(() => this.forget([entry]), UNDO_MS));
    this.render();
    this.row(entry)?.querySelector('button').focus(); // Undo, where Delete was
  }

  undo(entry) {
    clearTimeout(this.leaving.get(entry.id));
    this.leaving.delete(entry.id);
    this.render();
    this.row(entry)?.querySelector('[data-do=play]').focus();
  }

  /** All of it, and the same button brings it back. */
  clear() {
    if (this.clearing) {
      clearTimeout(this.clearing);
      this.clearing = null;
    } else {
      const gone = [...this.list];
      this.clearing = setTimeout(() => { this.clearing = null; this.forget(gone); }, UNDO_MS);
    }
    this.render();
  }

  async forget(entries) {
    for (const { id } of entries) { this.leaving.delete(id); await this.store.remove(id); }
    await this.look();
  }

  async look() {
    this.list = await this.store.entries();
    this.render();
  }

  row(entry) { return [...$('hlist').children].find((li) => li.dataset.id === entry.id); }

  render() {
    const shown = this.clearing ? [] : this.list, focused = this.focused();
    put($('h-sub'), t(KEPT[this.store?.state ?? 'kept']));
    put($('b-hclear'), t(this.clearing ? 'undo' : 'h_clear'));
    $('b-hclear').hidden = !this.list.length;
    const empty = el('li', { class: 'empty' }, t(this.clearing ? 'h_cleared' : 'h_empty'));
    $('hlist').replaceChildren(...(shown.length ? shown.map((e) => (this.leaving.has(e.id) ? goneRow(e) : liveRow(e))) : [empty]));
    focused?.();
  }

  /** What gives the focus back where it is now, if it is in here: rows are made anew. The heading has it if all else is gone. */
  focused() {
    const active = document.activeElement, id = active.closest('#hlist li')?.dataset.id, action = active.dataset.do;
    if (!id && active !== $('b-hclear')) return null;
    const again = id ? () => this.row({ id })?.querySelector(`[data-do=${action}]`) : () => ($('b-hclear').hidden ? null : $('b-hclear'));
    return () => (again() ?? $('h-hist')).focus({ preventScroll: true });
  }

  renderTimes() { for (const e of this.list) { const small = this.row(e)?.querySelector('small'); if (small) put(small, line(e)); } }
}

const line = (e) => [clock(e.seconds), ago(e.at), e.voiceName].join(' · ');

function liveRow(entry) {
  const title = entry.request.text.trim().replace(/\s+/g, ' ').slice(0, TITLE_CHARS);
  const button = (action, drawing, key, kind = 'icon') => {
    const b = el('button', { class: kind, 'data-do': action }, icon(drawing));
    name(b, t(`h_${key}`, { text: title }));
    return b;
  };
  const ops = el('div', { class: 'ops' }, button('reuse', 'again', 'reuse_x'), button('download', 'down', 'download_x'), button('delete', 'trash', 'delete_x'));
  return el('li', { class: 'h', 'data-id': entry.id }, button('play', 'play', 'play', 'round'), el('p', { lang: entry.language }, entry.request.text), el('small', {}, line(entry)), ops);
}

function goneRow(entry) {
  return el('li', { class: 'h gone', 'data-id': entry.id }, el('p', {}, t('h_deleted')), el('button', { class: 'link', 'data-do': 'undo' }, t('undo')));
}

function ago(at) {
  const past = Date.now() - at;
  if (past < MINUTE) return t('now');
  if (past < HOUR) return t('min_ago', { n: Math.floor(past / MINUTE) });
  if (past < DAY) return t('hours_ago', { n: Math.floor(past / HOUR) });
  if (past < 2 * DAY) return t('yesterday');
  return new Intl.DateTimeFormat(lang, { dateStyle: 'medium' }).format(at);
}
