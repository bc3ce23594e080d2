// How it is read: cfg_coef (only the values that the engine takes) and speed. Events: 'change'.
import { $, el, fill, note, put } from './dom.js';
import { number, onLanguage, t } from './i18n.js';
import * as prefs from './prefs.js';

export class Delivery extends EventTarget {
  constructor() {
    super();
    this.coefs = [];
    this.standard = null;
    $('speed').value = prefs.get('speed', 1);
    $('cfg').addEventListener('input', () => this.changed('cfg', this.cfgCoef));
    $('speed').addEventListener('input', () => this.changed('speed', this.speed));
    onLanguage(() => this.render());
  }

  get cfgCoef() { return this.coefs[Number($('cfg').value)]; }

  get speed() { return Math.round(Number($('speed').value) * 100) / 100; }

  /** As fields of a request; what is left out is the engine's default, or nothing to it. */
  get fields() {
    return { ...(this.coefs.length ? { cfg_coef: this.cfgCoef } : {}), ...(this.speed === 1 ? {} : { speed: this.speed }) };
  }

  /** What the engine takes; without any values the control goes away. */
  know({ cfgCoefs, defaultCfgCoef }) {
    this.coefs = cfgCoefs;
    this.standard = defaultCfgCoef;
    $('f-cfg').hidden = !cfgCoefs.length;
    $('cfg').max = Math.max(0, cfgCoefs.length - 1);
    $('cfg-ticks').replaceChildren(...cfgCoefs.map((_, i) => el('option', { value: i })));
    this.set({ cfg_coef: prefs.get('cfg', defaultCfgCoef), speed: this.speed });
  }

  /** Take over the fields of a request. */
  set({ cfg_coef, speed }) {
    const at = this.coefs.indexOf(cfg_coef);
    $('cfg').value = at < 0 ? this.coefs.indexOf(this.standard) : at;
    $('speed').value = speed ?? 1;
    this.render();
    this.dispatchEvent(new Event('change'));
  }

  /** Say, beside a control, what the server found wrong. field: 'cfg' or 'speed'. */
  complain(field, text) {
    $('delivery').open = true;
    note($(`${field}-note`), text);
    $(field).focus();
  }

  changed(field, value) {
    prefs.set(field, value);
    note($(`${field}-note`), '');
    this.render();
    this.dispatchEvent(new Event('change'));
  }

  render() {
    const speed = `${number(this.speed, 2)}×`, cfg = this.coefs.length ? number(this.cfgCoef, 1) : '';
    put($('speed-v'), speed);
    put($('cfg-v'), cfg);
    $('speed').setAttribute('aria-valuetext', speed);
    $('cfg').setAttribute('aria-valuetext', cfg);
    put($('d-sum'), [cfg && `${t('cfg')} ${cfg}`, `${t('speed')} ${speed}`].filter(Boolean).join(' · '));
    fill($('speed'));
    fill($('cfg'));
  }
}
