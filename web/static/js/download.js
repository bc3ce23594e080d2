// Speech as a file. WAV, PCM and captions are made here from what has arrived, so half a speech can be had, too; the other
// formats are made by the server from those same samples.
import { ask } from './api.js';
import { CAPTIONS } from './captions.js';
import { $, el, put, save } from './dom.js';
import { knows, onLanguage, t } from './i18n.js';
import * as prefs from './prefs.js';
import { wavOf } from './tape.js';

const HERE = {
  wav: (job) => wavOf(job.tape.samples(), job.tape.rate),
  pcm: (job) => new Blob([job.tape.samples()], { type: 'audio/pcm' }),
  txt: (job) => new Blob([job.text], { type: 'text/plain' }),
};
const ORDER = ['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'];
const NAMES = { opus: 'Opus', mulaw: 'μ-law', alaw: 'A-law' };

export class Download {
  /** job(): what is to be had. */
  constructor(job) {
    this.job = job;
    this.formats = ['wav', 'pcm'];
    this.busy = this.failed = '';
    $('b-dl').addEventListener('click', () => this.open($('dl').hidden));
    $('dl').addEventListener('click', (event) => { const format = event.target.closest('[data-format]')?.dataset.format; if (format) this.get(this.job(), format); });
    document.addEventListener('pointerdown', (event) => { if (!event.target.closest('.menu')) this.open(false); });
    $('dl').addEventListener('focusout', (event) => { if (event.relatedTarget && !event.relatedTarget.closest('.menu')) this.open(false); });
    onLanguage(() => this.render());
  }

  /** The formats that the server makes. */
  know(formats) { this.formats = formats; this.render(); }

  get isOpen() { return !$('dl').hidden; }

  open(on) {
    if (on === this.isOpen) return;
    this.failed = '';
    $('dl').hidden = !on;
    $('b-dl').setAttribute('aria-expanded', String(on));
    this.render();
    if (on) ($('dl').querySelector('[data-last]') ?? $('dl').querySelector('button')).focus();
  }

  /** Hand the speech of a job to the browser's downloads. */
  async get(job, format = prefs.get('format', 'wav')) {
    if (this.busy || !job?.tape.length) return;
    prefs.set('format', format);
    this.busy = format;
    this.failed = '';
    this.render();
    try {
      save(await this.make(job, format), `${fileName(job.text)}.${format}`);
    } catch {
      if (this.isOpen) this.failed = format; else save(HERE.wav(job), `${fileName(job.text)}.wav`); // from the history: better than nothing
    }
    this.busy = '';
    this.render();
    if (this.isOpen && !this.failed) { this.open(false); $('b-dl').focus(); }
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  async make(job, format) {
    if (HERE[format]) return HERE[format](job);
    if (CAPTIONS[format]) return new Blob([CAPTIONS[format](job)], { type: 'text/plain' });
    const path = `api/convert?format=${format}&sample_rate=${job.tape.rate}`;
    return (await ask(path, { method: 'POST', body: HERE.pcm(job), type: 'audio/pcm' })).blob();
  }

  /** Texts are set in place: the entry that has the focus must not vanish under it. */
  render() {
    const known = [...ORDER.filter((f) => this.formats.includes(f)), ...this.formats.filter((f) => !ORDER.includes(f))];
    const groups = [['dl_audio', known], ['dl_captions', [...Object.keys(CAPTIONS), 'txt']]];
    const wanted = groups.flatMap(([, formats]) => formats).join();
    if (this.built !== wanted) {
      this.built = wanted;
      $('dl').replaceChildren(
        ...groups.flatMap(([key, formats]) => [el('h3', { 'data-key': key }), el('ul', {}, ...formats.map(item))]),
        el('p', { class: 'note', role: 'alert' }),
      );
    }
    for (const h3 of $('dl').querySelectorAll('h3')) put(h3, t(h3.dataset.key));
    for (const button of $('dl').querySelectorAll('button')) {
      const format = button.dataset.format, key = `dl_${format}`;
      put(button.lastElementChild, format === this.busy ? t('dl_busy') : knows(key) ? t(key) : '');
      button.toggleAttribute('data-last', format === prefs.get('format', ''));
    }
    put($('dl').lastElementChild, this.failed ? t('dl_failed') : '');
  }
}

const item = (format) => el('li', {}, el('button', { 'data-format': format }, el('b', {}, NAMES[format] ?? format.toUpperCase()), el('span')));

/** The first words of the text as the name of a file. */
function fileName(text) {
  const words = text.toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '').match(/[\p{L}\p{N}]+/gu) ?? ['speech'];
  return words.slice(0, 6).join('-').slice(0, 60);
}
