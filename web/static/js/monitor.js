// The place above the player that always answers "what is happening": a message or a notice. The buttons below it never move.
// Knows the strings; is told what to say.
import { $, el, icon, put } from './dom.js';
import { t } from './i18n.js';

export class Monitor {
  /** actions: { retry, key } are called when their button is pressed. */
  constructor(actions) {
    this.actions = actions;
    this.box = $('msg');
    this.parts = null; // of the message that is shown
    this.shown = '';
  }

  /**
   * A message: { icon or rank, tone, title, body, part (0..1), details, button: { action, label, disabled } }, or null.
   */
  message(m) {
    const focused = this.box.contains(document.activeElement);
    this.box.hidden = !m;
    const kind = m ? [m.tone, m.icon, m.part !== undefined, m.details, m.button?.action].join('|') : '';
    if (m && kind !== this.shown) this.build(m);
    this.shown = kind;
    if (m) this.update(m);
    if (focused && (!m || !this.box.contains(document.activeElement))) $('b-go').focus({ preventScroll: true });
  }

  /** A line: { icon, tone, title, body }, or null. */
  notice(n) {
    const line = $('notice');
    line.hidden = !n;
    if (!n) return;
    const text = n.title ? `${n.title}\n${n.body}` : n.body;
    if (line.dataset.text === text + n.tone) return;
    line.dataset.text = text + n.tone;
    line.dataset.tone = n.tone ?? '';
    line.replaceChildren(icon(n.icon), el('span', {}, ...(n.title ? [el('b', {}, n.title), ' · '] : []), n.body));
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  /** New elements only for another kind of message: a button that has the focus must not vanish under it. */
  build(m) {
    const p = { mark: m.rank === undefined ? icon(m.icon) : el('span', { class: 'rank' }), title: el('h3'), body: el('p') };
    const text = el('div', { class: 't' }, p.title, p.body);
    if (m.part !== undefined) {
      p.bar = el('i');
      p.load = el('div', { class: 'load', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100 }, p.bar);
      text.append(p.load);
    }
    if (m.details) text.append(el('details', {}, el('summary', {}, t('details')), el('p', { lang: 'en' }, m.details)));
    this.box.dataset.tone = m.tone ?? '';
    this.box.replaceChildren(p.mark, text);
    if (m.button) {
      p.button = el('button', { class: 'ghost' });
      p.button.addEventListener('click', () => this.actions[m.button.action]());
      this.box.append(el('div', { class: 'btns' }, p.button));
    }
    this.parts = p;
  }

  update(m) {
    const p = this.parts;
    put(p.title, m.title);
    put(p.body, m.body ?? '');
    if (m.rank !== undefined) put(p.mark, String(m.rank));
    if (p.load) {
      const known = m.part !== null;
      p.load.setAttribute('aria-label', m.title);
      if (known) p.load.setAttribute('aria-valuenow', Math.round(m.part * 100)); else p.load.removeAttribute('aria-valuenow');
      p.load.toggleAttribute('data-unknown', !known);
      p.bar.style.width = known ? `${m.part * 100}%` : '';
    }
    if (p.button) { put(p.button, m.button.label); p.button.disabled = Boolean(m.button.disabled); }
    const summary = this.box.querySelector('summary');
    if (summary) put(summary, t('details'));
  }
}
