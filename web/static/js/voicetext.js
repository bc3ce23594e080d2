// A voice in the words of the page: its metadata, its name, what a search looks in. Knows no element.
import { knows, lang, t } from './i18n.js';

const PLAIN = new Set(['neutral', null, undefined, '']); // styles that go without saying
// The sets of voices have words of their own for the same.
const SAME = { default: 'neutral', anger: 'angry', confusion: 'confused', disgust: 'disgusted', fear: 'fearful', sadness: 'sad' };

const languageNames = {};

/** The name of a language (ISO 639-1) in the language of the page. */
export function languageName(code) {
  if (code === 'en') return t('english');
  if (code === 'fr') return t('french');
  languageNames[lang] ??= new Intl.DisplayNames(lang, { type: 'language', fallback: 'code' });
  try { return languageNames[lang].of(code); } catch { return code; }
}

/** A style in the language of the page; one that we have no word for as the server names it. */
export const styleName = (style) => (knows(`style_${style}`) ? t(`style_${style}`) : style.replaceAll('_', ' '));

export const styleOf = (voice) => SAME[voice.style] ?? voice.style;

export const styled = (voice) => (PLAIN.has(styleOf(voice)) ? '' : styleName(styleOf(voice)));

/** "Expresso ex04, happy" */
export const fullName = (voice) => [voice.name, styled(voice)].filter(Boolean).join(', ');

/** "English · female · happy · CC-BY-NC-4.0" */
export function metadata(voice) {
  const gender = voice.gender === 'female' || voice.gender === 'male' ? t(`${voice.gender}_m`) : '';
  const licence = voice.licence === 'unknown' ? '' : voice.licence;
  return [languageName(voice.language), gender, styled(voice), licence].filter(Boolean).join(' · ');
}

/** Everything that a search may find, as words with a space before each. */
export function haystack(voice) {
  const said = [voice.id, voice.name, voice.set, voice.style, voice.gender, metadata(voice)].join(' ').toLowerCase();
  return ` ${said.replace(/[^\p{L}\p{N}]+/gu, ' ')}`;
}

/** Each word of the search begins a word of the voice ("male" is not in "female"); in Chinese it may stand anywhere. */
export function matches(hay, search) {
  const words = search.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim().split(' ');
  return words.every((word) => hay.includes(/\p{Script=Han}/u.test(word) ? word : ` ${word}`));
}

/** Voices by speaker: those of one set, name, language and licence are one speaker in several styles; the plain style first. */
export function speakersOf(voices) {
  const groups = new Map();
  for (const voice of voices) {
    const key = [voice.set, voice.name, voice.language, voice.licence].join('\n');
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(voice);
  }
  return [...groups.values()].map((group) => group.sort((a, b) => Number(PLAIN.has(styleOf(b))) - Number(PLAIN.has(styleOf(a)))));
}
