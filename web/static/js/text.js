// The text box: counter, estimate, examples, clearing with undo, and what may be wrong with the text.
import { $, clock, note, put } from './dom.js';
import { onLanguage, t } from './i18n.js';
import { languageOf } from './passages.js';
import * as prefs from './prefs.js';
import { languageName } from './voicetext.js';

const WORDS_PER_S = 3; // until this browser has heard some
const OTHER_SCRIPT = /(?=\p{L})[^\p{Script=Latin}\p{Script=Common}]/u;

const EXAMPLES = {
  story: 'Good evening, and welcome aboard the night train to the coast. We leave the city in a few minutes, and the lights outside will fade one by one.\n\nIf you hear the wind against the glass, do not worry. It is only the river, running beside us in the dark, all the way down to the sea.',
  numbers: 'The train to Lyon leaves at 7:45 from platform 12, on the 3rd of May 2026. A ticket costs 49 euros, and 15% less before 9 in the morning.',
  french: 'Bonsoir, et bienvenue à bord du train de nuit. Nous partons dans quelques minutes, et les lumières de la ville vont disparaître une à une.',
};

export class TextBox extends EventTarget {
  constructor() {
    super();
    this.box = $('text');
    this.voiceLanguage = null; // of the chosen voice
    this.languages = ['en', 'fr'];
    this.complaint = null; // a function that says, in the language of the page, what the server found wrong
    this.replaced = null; // what Undo brings back
    this.box.value = prefs.get('text', '');
    this.value = this.box.value; // a browser copies it each time it is asked for
    this.box.addEventListener('input', () => this.changed());
    $('examples').addEventListener('click', (event) => this.example(event));
    $('b-clear').addEventListener('click', () => { this.replace(''); this.box.focus(); });
    $('b-undo').addEventListener('click', () => { this.set(this.replaced); this.box.focus(); });
    $('b-switch').addEventListener('click', () => this.dispatchEvent(new CustomEvent('language', { detail: this.otherLanguage })));
    onLanguage(() => this.render());
  }

  get blank() { return !this.value.trim(); }

  /** In characters as people count them, not in UTF-16 units. */
  get length() { return this.value.length - (this.value.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0); }

  set(text) { this.box.value = text; this.changed(); }

  /** Put in another text. The one before can be had back until the text changes again. */
  replace(text) {
    const before = this.value, own = before.trim() && before !== text && !Object.values(EXAMPLES).includes(before);
    this.set(text);
    this.replaced = own || !text ? before : null;
    this.render();
  }

  /** What the engine speaks, and the chosen voice. */
  know({ languages = this.languages, voiceLanguage = this.voiceLanguage }) {
    Object.assign(this, { languages, voiceLanguage });
    this.box.lang = voiceLanguage ?? 'en';
    this.render();
  }

  /** Show what is wrong until the text changes, and lead there. */
  complain(say) {
    this.complaint = say;
    this.render();
    this.box.focus();
  }

  focus(offset = this.value.length) {
    this.box.focus();
    this.box.setSelectionRange(offset, offset);
    if (!offset) $('desk').scrollTop = 0; // setting the text had scrolled to its end
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  changed() {
    this.value = this.box.value;
    this.complaint = null;
    this.replaced = null;
    prefs.put({ textAt: Date.now(), text: this.value });
    this.render();
    this.dispatchEvent(new Event('input'));
  }

  example(event) {
    const key = event.target.closest('[data-example]')?.dataset.example;
    if (!key) return;
    this.replace(EXAMPLES[key]);
    this.dispatchEvent(new CustomEvent('example', { detail: key === 'french' ? 'fr' : 'en' }));
    this.focus(0);
  }

  render() {
    const french = this.languages.includes('fr'), words = wordsIn(this.value);
    const about = words ? ` · ${t('about', { s: clock(Math.max(1, estimate(this.value))) })}` : '';
    put($('count'), t('count', { n: this.length }) + about);
    $('b-clear').hidden = !this.value;
    $('b-undo').hidden = !this.replaced;
    $('examples').querySelector('[data-example=french]').hidden = !french;
    this.box.placeholder = t(french ? 'text_placeholder' : 'text_placeholder_en');
    this.renderNote(french);
    this.box.setAttribute('aria-invalid', String(Boolean(this.complaint)));
  }

  renderNote(french) {
    const line = $('text-note'), other = this.otherLanguage;
    if (this.complaint) note(line, this.complaint());
    else if (OTHER_SCRIPT.test(this.value)) note(line, t(french ? 'w_script' : 'w_script_en'), 'warn');
    else note(line, other ? t('w_language', { text: languageName(other), voice: languageName(this.voiceLanguage) }) : '', 'warn');
    $('b-switch').hidden = !other || !this.languages.includes(other) || Boolean(this.complaint);
    put($('b-switch'), other ? t('switch_voice', { x: languageName(other) }) : '');
  }

  /** The language of the text, if it is not that of the voice. */
  get otherLanguage() {
    const language = this.voiceLanguage && languageOf(this.value);
    return language && language !== this.voiceLanguage ? language : null;
  }
}

/** How long a text will be when it is spoken, in seconds. */
export const estimate = (text) => wordsIn(text) / prefs.get('wordsPerS', WORDS_PER_S);

let counted = { text: '', words: 0 };

/** Counted without a list of them: a book has a hundred thousand, and several ask with every key. */
function wordsIn(text) {
  if (text === counted.text) return counted.words;
  let words = 0, inside = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i), blank = code <= 32 || (code >= 160 && /\s/.test(text[i]));
    if (!blank && !inside) words++;
    inside = !blank;
  }
  counted = { text, words };
  return words;
}

/** Remember how fast the voice spoke here, for the estimate. */
export function learnPace(words, seconds) {
  if (words >= 5 && seconds > 1) prefs.set('wordsPerS', Math.round((0.7 * prefs.get('wordsPerS', WORDS_PER_S) + 0.3 * (words / seconds)) * 100) / 100);
}
