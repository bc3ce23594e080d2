// The browser of voices: speakers with their styles, search, filters, favourites, recent ones. Previews are another module's.
import { $, draw, el, icon, name, note, put, settled } from './dom.js';
import { lang, onLanguage, t } from './i18n.js';
import * as prefs from './prefs.js';
import { makeSpeaker } from './speaker.js';
import { fullName, haystack, languageName, matches, metadata, speakersOf, styleName, styleOf, styled } from './voicetext.js';

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
    this.rows = new Map(); // id of a voice -> { voice, speaker, input, hay }
    this.speakers = [];
    this.chosenId = prefs.get('voice', null);
    this.picking = null; // for whom a voice is picked, rather than for the document
    this.complaint = null; // a function that says what is wrong
    this.filter = { lang: '', gender: '', style: '', lic: '' };
    this.found = el('h3');
    this.nothing = el('div', { class: 'none-found' }, el('b'), el('span'), el('p', {}, el('button', { class: 'link' })));
    this.listen();
    onLanguage(() => this.translate());
  }

  get favourites() { return prefs.get('favourites', []); }

  get recent() { return prefs.get('recent', []); }

  /** The chosen voice; undefined before the list is there. */
  get chosen() { return this.rows.get(this.chosenId)?.voice; }

  nameOf(id) { return this.rows.has(id) ? fullName(this.rows.get(id).voice) : ''; }

  /** The list as the server has it, and its default. */
  load({ voices, default: standard }) {
    this.all = voices;
    this.listed = true;
    this.rows = new Map();
    this.speakers = speakersOf(voices).map((variants) => makeSpeaker(variants, this.rows));
    if (!this.rows.has(this.chosenId)) this.chosenId = standard;
    for (const box of [$('voice'), document.querySelector('.grid')]) box.classList.toggle('one', voices.length === 1); // :has() would search the document at each key
    this.arrange();
    this.translate();
    if (this.chosen) this.rows.get(this.chosenId).input.checked = true;
    this.reveal();
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

  /** Choose that voice as soon as there is a list. */
  wish(id) {
    if (!id) return;
    if (this.listed) this.choose(id); else this.chosenId = id;
  }

  /** Choose a voice of that language, if the chosen one is of another: the nearest favourite or recent one, else any. */
  chooseLanguage(language) {
    if (!this.chosen || this.chosen.language === language) return;
    const free = this.all.filter((v) => v.commercial), ids = [...this.favourites, ...this.recent, ...[...free, ...this.all].map((v) => v.id)];
    const id = ids.find((i) => this.rows.get(i)?.voice.language === language);
    if (id) { this.choose(id); this.reveal(); }
  }

  /** Have a voice picked for something else than the document. done(id): when one was. */
  pick(id, done) {
    this.picking = done;
    if (this.rows.has(id)) this.rows.get(id).input.checked = true;
    this.openSheet();
    this.reveal(id);
  }

  /** The chosen voice was spoken with. */
  used() {
    if (!this.chosen) return;
    prefs.set('recent', [this.chosenId, ...this.recent.filter((id) => id !== this.chosenId)].slice(0, RECENT));
    this.arrange();
  }

  /** Say, beside the voice, what is wrong with it, in the language of the page: say() is asked again when that changes. */
  complain(say) { this.complaint = say; this.renderNote(); }

  /** Which voice is being previewed, or null; waits: the job that it still waits for, or null. */
  showPreview(id, waits = null) {
    Object.assign(this, { previewing: id, waits });
    for (const { preview, current } of this.speakers) mark(preview, current().id === id, waits, current());
    if (this.chosen) mark($('c-preview'), this.chosenId === id, waits, this.chosen);
    this.renderNote();
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  listen() {
    const list = $('vlist');
    list.addEventListener('change', (event) => this.picked(event.target.value));
    list.addEventListener('click', (event) => this.clicked(event));
    list.addEventListener('keydown', (event) => this.key(event));
    $('filters').addEventListener('change', (event) => { this.filter[event.target.dataset.filter] = event.target.value; this.apply(); });
    $('q').addEventListener('input', () => this.apply());
    $('c-preview').addEventListener('click', () => this.preview(this.chosen));
    $('c-star').addEventListener('click', () => this.star(this.chosenId));
    this.nothing.querySelector('button').addEventListener('click', () => this.reset());
    this.sayFound = settled(SAY_MS, (text) => put($('v-live'), text));
    const sheet = $('d-voices');
    $('b-voices').addEventListener('click', () => { this.openSheet(); this.reveal(); });
    $('b-vclose').addEventListener('click', () => sheet.close());
    sheet.addEventListener('close', () => this.closed());
    PHONE.addEventListener('change', () => sheet.close());
  }

  openSheet() {
    $('d-voices').append($('vbody'));
    $('d-voices').showModal();
  }

  closed() {
    $('voice').append($('vbody'));
    this.picking = null;
    if (this.chosen) this.rows.get(this.chosenId).input.checked = true;
  }

  picked(id) {
    const { picking } = this;
    if (!picking) { this.choose(id); return; }
    picking(id);
    $('d-voices').close();
  }

  clicked(event) {
    const speaker = this.speakers.find(({ row }) => row.contains(event.target));
    if (!speaker) return;
    if (event.target.closest('.star')) this.star(speaker.current().id);
    else if (event.target.closest('.pv')) this.preview(speaker.current());
  }

  key(event) {
    const speaker = this.speakers.find(({ row }) => row.contains(event.target));
    if (!speaker || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'p') this.preview(speaker.current());
    if (event.key === 'f') this.star(speaker.current().id);
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

  /** Put each speaker into its group: favourites, recent ones, then by language; non-commercial ones last. */
  arrange() {
    const own = this.speakers.filter(({ variants }) => variants[0].made), of = (ids) => [...new Set(ids.map((id) => this.rows.get(id)?.speaker).filter(Boolean))];
    const fav = of(this.favourites), made = own.filter((s) => !fav.includes(s)), recent = of(this.recent).filter((s) => !fav.includes(s) && !made.includes(s)), first = new Set([...fav, ...made, ...recent]);
    this.groups = [{ key: 'g_fav', speakers: fav }, { key: 'g_made', speakers: made }, { key: 'g_recent', speakers: recent }, ...this.byUse(this.speakers.filter((s) => !first.has(s)))].filter(({ speakers }) => speakers.length);
    for (const group of this.groups) group.element = el('div', { class: 'group' }, (group.head = el('h3', {}, headOf(group))), ...group.speakers.map((s) => s.row));
    $('vlist').replaceChildren(this.found, ...this.groups.map((group) => group.element), this.nothing);
    if (this.chosen && !this.picking) this.rows.get(this.chosenId).input.checked = true;
    this.showStars();
    this.apply();
    this.showChosen();
  }

  byUse(speakers) {
    const groups = new Map(), home = this.chosen?.language ?? lang;
    for (const speaker of speakers) {
      const { commercial, language } = speaker.variants[0], key = `${commercial ? 0 : 1}${language === home ? 0 : 1}${language}`;
      if (!groups.has(key)) groups.set(key, { order: key, language, commercial, speakers: [] });
      groups.get(key).speakers.push(speaker);
    }
    return [...groups.values()].sort((a, b) => (a.order < b.order ? -1 : 1));
  }

  /** Show what the search and the filters let through. */
  apply() {
    const search = $('q').value.trim(), wanted = Object.entries(this.filter).filter(([, value]) => value);
    let found = 0;
    for (const row of this.rows.values()) {
      row.hit = wanted.every(([key, value]) => FILTERS[key].value(row.voice) === value) && (!search || matches(row.hay, search));
      found += row.hit;
    }
    for (const speaker of this.speakers) speaker.show((voice) => this.rows.get(voice.id).hit);
    const plain = !search && !wanted.length, count = plain ? '' : t('voices_of', { n: found, m: this.all.length });
    put(this.found, count);
    this.found.hidden = plain || !found;
    for (const { element, head, speakers } of this.groups ?? []) {
      head.hidden = !plain;
      element.hidden = speakers.every(({ row }) => row.hidden);
    }
    this.nothing.hidden = found > 0 || !this.all.length;
    this.sayFound(count);
    for (const select of $('filters').querySelectorAll('select')) select.classList.toggle('on', Boolean(select.value));
  }

  translate() {
    for (const row of this.rows.values()) row.hay = haystack(row.voice);
    for (const speaker of this.speakers) speaker.translate();
    for (const group of this.groups ?? []) put(group.head, headOf(group));
    put(this.nothing.children[0], t('no_voice'));
    put(this.nothing.children[1], t('no_voice_d'));
    put(this.nothing.querySelector('button'), t('reset'));
    $('q').placeholder = this.listed ? t('search_hint', { n: this.all.length }) : t('search_voices');
    this.renderFilters();
    this.showStars();
    this.apply();
    this.showChosen();
    this.showPreview(this.previewing ?? null, this.waits);
  }

  renderNote() {
    const { waits } = this, waiting = waits && t(waits.state === 'loading' ? 'preview_loading' : waits.place ? 'preview_queued' : 'preview_waits', { n: waits.place });
    const wrong = this.complaint?.() ?? (this.listed && !this.all.length ? t('no_voices') : '');
    note($('voice-note'), wrong || waiting || '', wrong ? 'bad' : 'plain');
  }

  /** One select for each property that differs, with the values that occur. */
  renderFilters() {
    const selects = Object.entries(FILTERS).map(([key, { value, label }]) => {
      const values = [...new Set(this.all.map(value))].map((v) => [v, label(v)]).sort((a, b) => a[1].localeCompare(b[1]));
      const options = [['', t(`f_${key}`)], ...values].map(([v, text]) => el('option', { value: v, selected: v === this.filter[key] }, text));
      return el('label', { hidden: values.length < 2 }, el('span', { class: 'vh' }, t(`f_${key}`)), el('select', { 'data-filter': key }, ...options), icon('chev'));
    });
    $('filters').replaceChildren(...selects);
  }

  showStars() {
    for (const { star, current } of this.speakers) showStar(star, this.favourites.includes(current().id), current());
  }

  /** The chosen voice is in sight. */
  reveal(id = this.chosenId) {
    const list = $('vlist'), row = this.rows.get(id)?.speaker.row;
    if (!row || !list.clientHeight) return;
    const top = row.getBoundingClientRect().top - list.getBoundingClientRect().top;
    if (top < 0 || top + row.offsetHeight > list.clientHeight) list.scrollTop += top - list.clientHeight / 3;
  }

  showChosen() {
    const voice = this.chosen;
    $('c-preview').hidden = $('c-star').hidden = !voice;
    if (this.all.length < 2) $('c-star').hidden = true;
    if (!voice) { put($('vp-name'), t('voice')); return; }
    const [bold, plain] = $('chosen').children;
    put(bold, voice.name);
    put(plain, this.all.length === 1 ? ` · ${metadata(voice)}` : styled(voice) ? ` · ${styled(voice)}` : '');
    put($('vp-name'), voice.name);
    put($('vp-meta'), metadata(voice));
    for (const speaker of this.speakers) speaker.mark();
    this.showStars();
    showStar($('c-star'), this.favourites.includes(voice.id), voice);
    mark($('c-preview'), this.previewing === voice.id, this.waits, voice);
  }
}

const headOf = ({ key, language, commercial }) => (key ? t(key) : commercial ? languageName(language) : t('g_nc', { x: languageName(language) }));

function showStar(button, on, voice) {
  draw(button.firstElementChild, on ? 'starf' : 'star');
  button.setAttribute('aria-pressed', String(on));
  name(button, t(on ? 'unfav' : 'fav', { name: fullName(voice) }));
}

function mark(button, on, waits, voice) {
  button.toggleAttribute('data-on', on);
  draw(button.firstElementChild, on ? (waits ? 'clock' : 'stop') : 'play');
  name(button, t(on ? 'previewing' : 'preview', { name: fullName(voice) }));
}
