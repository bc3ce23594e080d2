// Dark, light, or what the system says: the button goes through the three. early.js sets it before the first paint.
import { $, draw, name } from './dom.js';
import { onLanguage, t } from './i18n.js';
import * as prefs from './prefs.js';

const NEXT = { dark: 'light', light: 'system', system: 'dark' };
const ICONS = { dark: 'moon', light: 'sun', system: 'auto' };
const LIGHT = matchMedia('(prefers-color-scheme: light)');

/** changed(): called when the colours are others. */
export function setUpTheme(changed) {
  const show = () => {
    const chosen = prefs.get('theme', 'dark');
    document.documentElement.dataset.theme = chosen === 'light' || (chosen === 'system' && LIGHT.matches) ? 'light' : 'dark';
    draw($('b-theme').firstElementChild, ICONS[chosen]);
    name($('b-theme'), t(`theme_${NEXT[chosen]}`));
    changed();
  };
  $('b-theme').addEventListener('click', () => { prefs.set('theme', NEXT[prefs.get('theme', 'dark')]); show(); });
  LIGHT.addEventListener('change', show);
  onLanguage(show);
}
