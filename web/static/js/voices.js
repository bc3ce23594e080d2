// The browser of voices: the chosen one, search, filters, favourites and recent ones. Previews are another module's.
import { $, draw, el, icon, name, note, put, settled } from './dom.js';
import { onLanguage, t } from './i18n.js';
import * as prefs from './prefs.js';
import { fullName, haystack, languageName, matches, metadata, styled, styleName, styleOf } from './voicetext.js';

const RECENT = 5;
const SAY_MS = 400; // after the last key, screen readers hear how many were found
const PHONE = matchMedia('(max-width: 47.99em)');

const FILTERS = {
  lang: { value: (v) => v.language, label: languageName },
  gender: { value: (v) => v.gender ?? 'none', label: (g) => t(g === 'none' ? 'unknown' : g) },
  style: { value: (v) => styleOf(v) ?? 'none', label: (s) => (s === 'none' ? t('unknown') : styleName(s)) },
  lic: { value: (v) => (v.commercial ? 'com' : 'nc'), label: (l) => t(`lic_${l}`) },
};

/** Events: 'change' (another voice was chosen), 'preview' (detail: the voice). */
export class Voices extends EventTarget {
  constructor() {
    super();
    this.all = [];
    this.listed = false; // the server has told which there are
    this.rows = new Map(); // id -> { voice, row, star, preview, hay }
    this.chosenId = prefs.get('voice', null);
    this.complaint = null; // a function that says what is wrong
    this.filter = { lang: '', gender: '', style: '', lic: '' };
    this.heads = Object.fromEntries(['found', 'g_fav', 'g_recent', 'g_all'].map((key) => [key, el('h3')]));
    this.groups = Object.fromEntries(['g_fav', 'g_recent', 'g_all'].map((key) => [key, el('div', { class: 'group' }, this.heads[key])]));
    this.nothing = el('div', { class: 'none-found' }, el('b'), el('span'), el('p', {}, el('button', { class: 'link' })));
    $('vlist').replaceChildren(this.heads.found, ...Object.values(this.groups), this.nothing);
    this.listen();
    onLanguage(() => this.translate());
  }

  get favourites() { return prefs.get('favourites', []); }

  get recent() { return prefs.get('recent', []); }

  /** The chosen voice; undefined before the list is there. */
  get chosen() { return this.rows.get(this.chosenId)?.voice; }

  /** The list as the server has it, and its default. */
  load({ voices, default: standard }) {
    this.all = voices;
    this.listed = true;
    this.rows = new Map(voices.map((voice) => [voice.id, makeRow(voice)]));
    if (!this.rows.has(this.chosenId)) this.chosenId = standard;
    this.arrange();
    this.translate();
    if (this.chosen) this.rows.get(this.chosenId).input.checked = true;
    this.dispatchEvent(new Event('change'));
  }

  choose(id) {
    if (!this.rows.has(id)) return;
    this.chosenId = id;
    prefs.set('voice', id);
    this.rows.get(id).input.checked = true;
    this.complain(null);
    this.showChosen();
    this.dispatchEvent(new Event('change'));
  }

  /** Choose a voice of that language, if the chosen one is of another: the nearest favourite or recent one, else any. */
  chooseLanguage(language) {
    if (!this.chosen || this.chosen.language === language) return;
    const ids = [...this.favourites, ...this.recent, ...this.all.map((v) => v.id)];
    const id = ids.find((i) => this.rows.get(i)?.voice.language === language);
    if (id) this.choose(id);
  }

  /** The chosen voice was spoken with. */
  used() {
    if (!this.chosen) return;
    prefs.set('recent', [this.chosenId, ...this.recent.filter((id) => id !== this.chosenId)].slice(0, RECENT));
    this.arrange();
  }

  /** Say, beside the voice, what is wrong with it, in the language of the page: say() is asked again when that changes. */
  complain(say) { this.complaint = say; this.renderNote(); }

  /** Which voice is being previewed, or null. */
  showPreview(id) {
    this.previewing = id;
    for (const [rowId, { preview, voice }] of this.rows) mark(preview, rowId === id, voice);
    if (this.chosen) mark($('c-preview'), this.chosenId === id, this.chosen);
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  listen() {
    const list = $('vlist');
    list.addEventListener('change', (event) => this.choose(event.target.value));
    list.addEventListener('click', (event) => this.clicked(event));
    list.addEventListener('keydown', (event) => this.key(event));
    $('filters').addEventListener('change', (event) => { this.filter[event.target.dataset.filter] = event.target.value; this.apply(); });
    $('q').addEventListener('input', () => this.apply());
    $('c-preview').addEventListener('click', () => this.preview(this.chosen));
    $('c-star').addEventListener('click', () => this.star(this.chosenId));
    this.nothing.querySelector('button').addEventListener('click', () => this.reset());
    this.sayFound = settled(SAY_MS, (text) => put($('v-live'), text));
    const sheet = $('d-voices');
    $('b-voices').addEventListener('click', () => { sheet.append($('vbody')); sheet.showModal(); });
    $('b-vclose').addEventListener('click', () => sheet.close());
    sheet.addEventListener('close', () => $('voice').append($('vbody')));
    PHONE.addEventListener('change', () => sheet.close());
  }

  clicked(event) {
    const id = event.target.closest('.v')?.dataset.id;
    if (event.target.closest('.star')) this.star(id);
    else if (event.target.closest('.pv')) this.preview(this.rows.get(id).voice);
  }

  key(event) {
    const id = event.target.closest('.v')?.dataset.id;
    if (!id || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'p') this.preview(this.rows.get(id).voice);
    if (event.key === 'f') this.star(id);
  }

  preview(voice) {
    if (!voice) return;
    this.complain(null);
    this.dispatchEvent(new CustomEvent('preview', { detail: voice }));
  }

  star(id) {
    const focused = document.activeElement, { favourites } = this;
    prefs.set('favourites', favourites.includes(id) ? favourites.filter((x) => x !== id) : [...favourites, id]);
    this.arrange();
    focused?.focus(); // a row that moves loses it
  }

  reset() {
    for (const key of Object.keys(this.filter)) this.filter[key] = '';
    $('q').value = '';
    this.renderFilters();
    this.apply();
    $('q').focus();
  }

  /** Put each row into its group. */
  arrange() {
    const known = (ids) => ids.filter((id) => this.rows.has(id));
    const fav = known(this.favourites), recent = known(this.recent).filter((id) => !fav.includes(id));
    const first = new Set([...fav, ...recent]), rest = this.all.map((v) => v.id).filter((id) => !first.has(id));
    const rowsOf = (ids) => ids.map((id) => this.rows.get(id).row);
    for (const [key, ids] of [['g_fav', fav], ['g_recent', recent], ['g_all', rest]]) {
      this.groups[key].replaceChildren(this.heads[key], ...rowsOf(ids));
    }
    for (const [id, { star, voice }] of this.rows) showStar(star, fav.includes(id), voice);
    this.apply();
    this.showChosen();
  }

  /** Show the rows that the search and the filters let through. */
  apply() {
    const search = $('q').value.trim();
    const wanted = Object.entries(this.filter).filter(([, value]) => value);
    let found = 0;
    for (const { voice, row, hay } of this.rows.values()) {
      const hit = wanted.every(([key, value]) => FILTERS[key].value(voice) === value) && (!search || matches(hay, search));
      row.hidden = !hit;
      found += hit;
    }
    const plain = !search && !wanted.length;
    const count = plain ? '' : t('voices_of', { n: found, m: this.all.length });
    put(this.heads.found, count);
    this.heads.found.hidden = plain || !found;
    for (const [key, group] of Object.entries(this.groups)) {
      this.heads[key].hidden = !plain || group.childElementCount < 2;
    }
    this.nothing.hidden = found > 0 || !this.all.length;
    this.sayFound(count);
    for (const select of $('filters').querySelectorAll('select')) select.classList.toggle('on', Boolean(select.value));
  }

  translate() {
    for (const entry of this.rows.values()) {
      entry.hay = haystack(entry.voice);
      put(entry.meta, metadata(entry.voice));
      if (entry.nc) { put(entry.nc, t('nc')); entry.nc.title = t('nc_long'); }
      showStar(entry.star, this.favourites.includes(entry.voice.id), entry.voice);
    }
    for (const key of Object.keys(this.groups)) put(this.heads[key], t(key));
    put(this.nothing.children[0], t('no_voice'));
    put(this.nothing.children[1], t('no_voice_d'));
    put(this.nothing.querySelector('button'), t('reset'));
    $('q').placeholder = this.listed ? t('search_hint', { n: this.all.length }) : t('search_voices');
    this.renderFilters();
    this.renderNote();
    this.apply();
    this.showChosen();
    this.showPreview(this.previewing ?? null);
  }

  renderNote() { note($('voice-note'), this.complaint?.() ?? (this.listed && !this.all.length ? t('no_voices') : '')); }

  /** One select for each property, with the values that occur. */
  renderFilters() {
    const selects = Object.entries(FILTERS).map(([key, { value, label }]) => {
      const values = [...new Set(this.all.map(value))].map((v) => [v, label(v)]).sort((a, b) => a[1].localeCompare(b[1]));
      const options = [['', t(`f_${key}`)], ...values].map(([v, text]) => el('option', { value: v, selected: v === this.filter[key] }, text));
      return el('label', {}, el('span', { class: 'vh' }, t(`f_${key}`)), el('select', { 'data-filter': key }, ...options), icon('chev'));
    });
    $('filters').replaceChildren(...selects);
  }

  showChosen() {
    const voice = this.chosen;
    $('c-preview').hidden = $('c-star').hidden = !voice;
    if (!voice) { put($('vp-name'), t('voice')); return; }
    const [bold, plain] = $('chosen').children;
    put(bold, voice.name);
    put(plain, styled(voice) ? ` · ${styled(voice)}` : '');
    put($('vp-name'), voice.name);
    put($('vp-meta'), metadata(voice));
    showStar($('c-star'), this.favourites.includes(voice.id), voice);
    mark($('c-preview'), this.previewing === voice.id, voice);
  }
}

function makeRow(voice) {
  const input = el('input', { type: 'radio', name: 'voice', value: voice.id }), meta = el('small');
  const preview = el('button', { class: 'icon pv', tabindex: -1 }, icon('play'));
  const star = el('button', { class: 'icon star', tabindex: -1 }, icon('star'));
  const nc = voice.commercial ? null : el('span', { class: 'nc' });
  const label = el('label', {}, input, el('b', {}, voice.name), meta);
  const row = el('div', { class: 'v', 'data-id': voice.id }, preview, label, nc, star);
  return { voice, row, input, meta, preview, star, nc, hay: '' };
}

function showStar(button, on, voice) {
  draw(button.firstElementChild, on ? 'starf' : 'star');
  button.setAttribute('aria-pressed', String(on));
  name(button, t(on ? 'unfav' : 'fav', { name: fullName(voice) }));
}

function mark(button, on, voice) {
  button.toggleAttribute('data-on', on);
  draw(button.firstElementChild, on ? 'stop' : 'play');
  name(button, t(on ? 'previewing' : 'preview', { name: fullName(voice) }));
}
