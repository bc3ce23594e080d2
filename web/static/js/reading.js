// How a passage will be read: what is said for each word, and what is not said. A press on a word sets its pronunciation.
import { askJson } from './api.js';
import { $, el, put } from './dom.js';
import { onLanguage, t } from './i18n.js';

const EDGES = /^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu; // punctuation around a word

export function setUpReading({ stage, library }) {
  const { script, text } = stage, dialog = $('d-reading'), box = $('r-words');
  let passage = null, told = null, failed = false;

  /** Ask, and show what will be said. */
  async function ask() {
    const { text: said, voice, lexicon } = script.request(passage), json = { text: said, ...(voice ? { voice } : {}), ...(lexicon ? { lexicon } : {}) };
    [told, failed] = await askJson('api/reading', { method: 'POST', json }).then((answer) => [answer, false], () => [null, true]);
    render();
  }

  function render() {
    put($('r-note'), failed ? t('r_failed') : told ? t('r_note') : '');
    box.replaceChildren(...(told?.words ?? []).flatMap((word, at) => [wordButton(word, at, told.warnings), ' ']));
    $('r-warnings').replaceChildren(...(told?.warnings ?? []).map(({ text: part, message }) => el('li', {}, el('b', {}, part), ' ', el('span', { lang: 'en' }, message))));
  }

  function open(which) {
    if (!which) return;
    [passage, told, failed] = [which, null, false];
    render();
    dialog.showModal();
    ask();
  }

  /** In place of the word, a box for what is to be said. */
  function edit(button) {
    const word = told.words[button.dataset.at], input = el('input', { value: word.spoken ?? '', 'aria-label': t('r_say', { x: word.written }) });
    button.replaceWith(input);
    input.focus();
    input.select();
    input.addEventListener('keydown', (event) => {
      if (event.isComposing || !['Enter', 'Escape'].includes(event.key)) return;
      event.preventDefault();
      if (event.key === 'Enter') say(word.written.replace(EDGES, ''), input.value.trim()); else render();
    });
  }

  function say(written, spoken) {
    if (!written) { render(); return; }
    if (spoken && spoken !== written) script.lexicon.set(written, spoken); else script.lexicon.delete(written);
    stage.written();
    library.saveSoon();
    ask();
  }

  $('b-reading').addEventListener('click', () => {
    const at = $('text').selectionStart, { passages } = script;
    open(passages.find((p) => at <= p.to) ?? passages.at(-1));
  });
  box.addEventListener('click', (event) => { const button = event.target.closest('button'); if (button) edit(button); });
  stage.addEventListener('written', () => { $('b-reading').hidden = text.blank; });
  onLanguage(render);
  return open;
}

/** A word that is not said is struck out, unless the one before it says it, too (3 May 2026). */
function wordButton({ written, spoken }, at, warnings) {
  const other = spoken !== written, unsaid = !spoken && warnings.some(({ text }) => text.includes(written.replace(EDGES, '') || written));
  return el('button', { type: 'button', class: other ? 'said' : null, 'data-at': at, title: t('r_say', { x: written }) }, spoken ? spoken : el(unsaid ? 's' : 'small', {}, written), other && spoken ? el('small', {}, ` ${written}`) : null);
}
