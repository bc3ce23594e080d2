// A voice in the words of the page: its metadata, its name, what a search looks in. Knows no element.
import { knows, lang, t } from './i18n.js';

const PLAIN = new Set(['default', 'neutral', null, undefined, '']); // styles that go without saying

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

export const styled = (voice) => (PLAIN.has(voice.style) ? '' : styleName(voice.style));

/** "Expresso ex04, happy" */
export const fullName = (voice) => [voice.name, styled(voice)].filter(Boolean).join(', ');

/** "English · female · happy · CC-BY-NC-4.0" */
export function metadata(voice) {
  const gender = voice.gender === 'female' || voice.gender === 'male' ? t(`${voice.gender}_m`) : '';
  const licence = voice.licence === 'unknown' ? '' : voice.licence;
  return [languageName(voice.language), gender, styled(voice), licence].filter(Boolean).join(' · ');
}

/** Everything that a search may find, lower case. */
export function haystack(voice) {
  return [voice.id, voice.name, voice.set, voice.style ?? '', metadata(voice)].join(' ').toLowerCase();
}
