// One speaker in the list of voices: a row, and below it the styles as chips. Knows no list.
import { el, icon, put } from './dom.js';
import { t } from './i18n.js';
import { metadata, styleName, styleOf, styled } from './voicetext.js';

/** variants: voices of one speaker. rows: gets each voice's { voice, speaker, input, hay }. */
export function makeSpeaker(variants, rows) {
  const many = variants.length > 1, meta = el('small'), inputs = variants.map((voice) => el('input', { type: 'radio', name: 'voice', value: voice.id, id: `v-${voice.id}` }));
  const preview = el('button', { class: 'icon pv', tabindex: -1 }, icon('play')), star = el('button', { class: 'icon star', tabindex: -1 }, icon('star'));
  const nc = variants[0].commercial ? null : el('span', { class: 'nc' });
  const label = el('label', {}, many ? null : inputs[0], el('b', {}, variants[0].name), meta);
  const head = el('div', { class: 'v', 'data-id': variants[0].id }, preview, label, nc, star);
  const chips = many ? variants.map((voice, i) => el('label', { class: 'c', 'data-id': voice.id }, inputs[i], el('span'))) : [];
  const row = el('div', { class: 'speaker' }, head, many ? el('div', { class: 'styles' }, ...chips) : null);
  let shown = variants;

  const speaker = {
    variants, row, preview, star,
    /** The chosen one of the speaker, else the first that is shown. */
    current: () => variants[inputs.findIndex((input) => input.checked)] ?? shown[0] ?? variants[0],
    /** lets(voice): whether the search and the filters let it through. */
    show(lets) {
      shown = variants.filter(lets);
      row.hidden = !shown.length;
      chips.forEach((chip, i) => { chip.hidden = !lets(variants[i]); });
      if (many) label.setAttribute('for', `v-${speaker.current().id}`);
    },
    translate() {
      const names = variants.map(styleNames);
      put(meta, many ? manyMeta(variants) : metadata(variants[0]));
      chips.forEach((chip, i) => put(chip.lastElementChild, names[i] + (names.indexOf(names[i]) < i ? ` ${names.slice(0, i + 1).filter((n) => n === names[i]).length}` : '')));
      if (nc) { put(nc, t('nc')); nc.title = t('nc_long'); }
      speaker.mark();
    },
    /** Another voice was chosen. */
    mark() {
      head.classList.toggle('on', inputs.some((input) => input.checked));
      if (many) label.setAttribute('for', `v-${speaker.current().id}`);
    },
  };
  variants.forEach((voice, i) => rows.set(voice.id, { voice, speaker, input: inputs[i], hay: '', hit: true }));
  return speaker;
}

const styleNames = (voice) => styled(voice) || (styleOf(voice) ? styleName(styleOf(voice)) : t('style_neutral'));

const manyMeta = (variants) => [metadata({ ...variants[0], style: null }), t('n_styles', { n: variants.length })].join(' · ');
