// The language of the page: strings, numbers, plurals; switched in place. Knows no part of the page.
const tables = {}; // a language's strings are fetched when it is first shown
const TAGS = { en: 'en', zh: 'zh-CN' };
const plurals = { en: new Intl.PluralRules('en'), zh: new Intl.PluralRules('zh') };
const listeners = new Set();

export let lang = document.documentElement.lang === 'zh-CN' ? 'zh' : 'en';
await fetchStrings(lang);

/** The string of that key. Numbers among the values are written as the language writes them. */
export function t(key, values = {}) {
  let text = tables[lang][key];
  if (typeof text === 'object') text = text[plurals[lang].select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, place) => (typeof values[place] === 'number' ? number(values[place]) : values[place] ?? ''));
}

/** Sentences in a row: Chinese has no space between them. */
export const sentences = (...said) => said.filter(Boolean).join(lang === 'zh' ? '' : ' ');

export const knows = (key) => key in tables[lang];

/** A number with exactly so many digits after the point, or with up to one. */
export function number(value, digits) {
  const options = digits === undefined ? { maximumFractionDigits: 1 } : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(lang, options).format(value);
}

/** Call now and at each change of language. */
export function onLanguage(render) { listeners.add(render); render(); }

export async function setLanguage(next) {
  await fetchStrings(next);
  lang = next;
  translate();
  for (const render of listeners) render();
}

async function fetchStrings(language) { tables[language] ??= (await import(`./strings.${language}.js`)).default; }

/** Fill in what stands in the document: data-t is the text, data-ta="attribute:key ..." are attributes. */
export function translate() {
  document.documentElement.lang = TAGS[lang];
  document.title = t('title');
  for (const element of document.querySelectorAll('[data-t]')) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll('[data-ta]')) {
    for (const pair of element.dataset.ta.split(' ')) {
      const [attribute, key] = pair.split(':');
      element.setAttribute(attribute, t(key));
    }
  }
}
