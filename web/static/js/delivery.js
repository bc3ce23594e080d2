// How it is read: speed, and below More cfg_coef (only the values that the engine takes), temperature and seed. Events: 'change'.
import { $, el, fill, note, put } from './dom.js';
import { number, onLanguage, t } from './i18n.js';
import * as prefs from './prefs.js';

export class Delivery extends EventTarget {
  constructor() {
    super();
    this.coefs = [];
    this.standard = null;
    this.sampling = false;
    this.temperature = null; // null: the engine's own
    $('speed').value = prefs.get('speed', 1);
    $('cfg').addEventListener('input', () => this.changed('cfg', this.cfgCoef));
    $('speed').addEventListener('input', () => this.changed('speed', this.speed));
    $('temperature').addEventListener('input', () => { this.temperature = Number($('temperature').value); this.changed('temperature', this.temperature); });
    $('seed').addEventListener('input', () => this.changed('seed', this.seed));
    onLanguage(() => this.render());
  }

  get cfgCoef() { return this.coefs[Number($('cfg').value)]; }

  get speed() { return Math.round(Number($('speed').value) * 100) / 100; }

  /** A whole number from 0 on, or undefined: any. */
  get seed() { return /^\d+$/.test($('seed').value) ? Number($('seed').value) : undefined; }

  /** As fields of a request; what is left out is the engine's default, or nothing to it. */
  get fields() {
    const { seed, temperature } = this;
    return {
      ...(this.coefs.length ? { cfg_coef: this.cfgCoef } : {}), ...(this.speed === 1 ? {} : { speed: this.speed }),
      ...(this.sampling && seed !== undefined ? { seed } : {}), ...(this.sampling && temperature !== null ? { temperature } : {}),
    };
  }

  /** What the engine takes; what means nothing to it goes away. */
  know({ cfgCoefs, defaultCfgCoef, sampling }) {
    Object.assign(this, { coefs: cfgCoefs, standard: defaultCfgCoef, sampling });
    $('f-cfg').hidden = !cfgCoefs.length;
    $('f-seed').hidden = $('f-temperature').hidden = !sampling;
    $('more').hidden = !cfgCoefs.length && !sampling;
    $('cfg').max = Math.max(0, cfgCoefs.length - 1);
    $('cfg-ticks').replaceChildren(...cfgCoefs.map((_, i) => el('option', { value: i })));
    this.set({ cfg_coef: prefs.get('cfg', defaultCfgCoef), speed: this.speed, seed: prefs.get('seed'), temperature: prefs.get('temperature') });
  }

  /** Take over the fields of a request. */
  set({ cfg_coef, speed, seed, temperature }) {
    const at = this.coefs.indexOf(cfg_coef);
    $('cfg').value = at < 0 ? this.coefs.indexOf(this.standard) : at;
    $('speed').value = speed ?? 1;
    $('seed').value = seed ?? '';
    this.temperature = temperature ?? null;
    this.render();
    this.dispatchEvent(new Event('change'));
  }

  /** Say, beside a control, what the server found wrong. field: 'cfg', 'speed', 'seed' or 'temperature'. */
  complain(field, text) {
    $('delivery').open = true;
    if (field !== 'speed') $('more').open = true;
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
    const temperature = this.temperature === null ? t('as_is') : number(this.temperature, 2);
    $('temperature').value = this.temperature ?? 0.7;
    for (const [field, text] of Object.entries({ speed, cfg, temperature })) {
      put($(`${field}-v`), text);
      $(field).setAttribute('aria-valuetext', text);
      fill($(field));
    }
    put($('d-sum'), `${t('speed')} ${speed}`);
  }
}
