// A dialogue: which voice the names before the colons have. Asked once for each name.
import { $, el, icon, name } from './dom.js';
import { onLanguage, t } from './i18n.js';
import { speakers } from './passages.js';

export function setUpDialogue({ stage, voices }) {
  const { script } = stage, bar = $('dialogue');
  let plain = null, shown = ''; // the document in which the names are only words

  function give(speaker, voice) {
    script.names.set(speaker, voice);
    stage.written();
  }

  function render() {
    const names = plain === script.id || voices.all.length < 2 ? [] : speakers(script.text);
    const now = JSON.stringify(names.map((n) => [n, script.names.get(n), voices.nameOf(script.names.get(n))]));
    bar.hidden = !names.length;
    if (now === shown) return;
    shown = now;
    const buttons = names.map((speaker) => el('button', { class: 'pill', type: 'button', 'data-name': speaker }, el('b', {}, speaker), ` ${voices.nameOf(script.names.get(speaker)) || t('choose')}`));
    const no = el('button', { class: 'icon', type: 'button' }, icon('x'));
    name(no, t('no_dialogue'));
    bar.replaceChildren(el('span', {}, t('dialogue')), ...buttons, no);
  }

  bar.addEventListener('click', (event) => {
    const button = event.target.closest('button'), speaker = button?.dataset.name;
    if (speaker) voices.pick(script.names.get(speaker), (voice) => give(speaker, voice));
    else if (button) { plain = script.id; script.names.clear(); stage.written(); }
  });
  stage.addEventListener('written', render);
  voices.addEventListener('change', render);
  onLanguage(() => { shown = ''; render(); });
}
