// The menu of one passage: hear from here, make again, another voice, the speech before.
import { $, el, icon } from './dom.js';
import { onLanguage, t } from './i18n.js';

export function setUpPassages({ stage, voices, library, reading }) {
  const { script, sheet } = stage, menu = $('pmenu');
  let passage = null, button = null;

  const close = (back = false) => { menu.hidden = true; if (back) button?.focus(); };
  const changed = () => { stage.render(); library.saveSoon(); };
  const actions = {
    hear: () => stage.hear(passage),
    again: () => stage.speak([passage]),
    voice: () => { const one = passage; voices.pick(stage.script.request(one).voice, (id) => { one.voice = id; changed(); }); },
    reading: () => reading(passage),
    same: () => { passage.voice = null; changed(); },
    before: () => { script.swap(passage); changed(); stage.hear(passage); },
  };

  function open() {
    const state = script.state(passage), items = [
      ['hear', 'play', true], ['again', 'again', state !== 'none'], ['voice', 'say', voices.all.length > 1], ['reading', 'find', true],
      ['same', 'x', Boolean(passage.voice)], ['before', 'undo', Boolean(passage.earlier?.tape.length)],
    ];
    menu.replaceChildren(el('p', {}, t(`ps_${state}`)), ...items.filter(([, , on]) => on).map(([what, drawing]) => item(what, drawing)));
    menu.hidden = false;
    menu.style.top = `${button.getBoundingClientRect().bottom - menu.offsetParent.getBoundingClientRect().top}px`;
    menu.querySelector('button').focus();
    menu.scrollIntoView({ block: 'nearest' });
  }

  sheet.addEventListener('passage', ({ detail }) => {
    const same = detail.passage === passage && !menu.hidden;
    ({ passage, button } = detail);
    if (same) close(true); else open();
  });
  menu.addEventListener('click', (event) => {
    const what = event.target.closest('[data-do]')?.dataset.do;
    if (!what) return;
    close(true);
    actions[what]();
  });
  menu.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], all = [...menu.querySelectorAll('button')];
    if (event.key === 'Escape') { event.stopPropagation(); close(true); }
    if (!step) return;
    event.preventDefault();
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  });
  document.addEventListener('pointerdown', (event) => { if (!event.target.closest('#pmenu, .pb')) close(); });
  onLanguage(() => close());
}

const item = (what, drawing) => el('button', { type: 'button', 'data-do': what }, icon(drawing), el('span', {}, t(`p_${what}`)));
