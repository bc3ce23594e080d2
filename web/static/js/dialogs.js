// The dialogs that are asked for: the API key, the list of shortcuts.
import { apiKey, ask, setApiKey } from './api.js';
import { $, el, put } from './dom.js';
import { onLanguage, t } from './i18n.js';

const KEYS = [
  ['k_gen', [['Ctrl', '⏎']]], ['k_break', [['Ctrl', 'Shift', '⏎']]], ['k_stop', [['Esc']]], ['k_play', [['Alt', 'K']]], ['k_seek', [['Alt', 'J'], ['Alt', 'L']]],
  ['k_word', [['Alt', ','], ['Alt', '.']]], ['k_search', [['/']]], ['k_help', [['?']]],
];

const UNSENDABLE = /[^\x21-\x7e]/; // in a header

/** Events: 'accepted' when a key was taken. */
export class KeyDialog extends EventTarget {
  constructor() {
    super();
    this.dialog = $('d-key');
    this.wrong = false;
    this.dialog.querySelector('form').addEventListener('submit', (event) => { event.preventDefault(); this.use(); });
    $('key-show').addEventListener('change', () => { $('key').type = $('key-show').checked ? 'text' : 'password'; });
    $('b-key-cancel').addEventListener('click', () => this.dialog.close());
    $('b-forget').addEventListener('click', () => { setApiKey(''); this.dialog.close(); this.dispatchEvent(new Event('accepted')); });
    for (const id of ['b-key', 'b-key2']) $(id).addEventListener('click', () => this.open());
    onLanguage(() => this.render());
  }

  open() {
    this.wrong = false;
    $('key').value = apiKey();
    $('b-forget').hidden = !apiKey();
    this.render();
    if (!this.dialog.open) this.dialog.showModal();
    $('key').focus();
  }

  /** Try the key before it is believed. */
  async use() {
    const key = $('key').value.trim();
    if (UNSENDABLE.test(key)) { this.refuse(); return; }
    try {
      await ask('api/gpu/status', { key });
    } catch (error) {
      if (error.status === 401) { this.refuse(); return; }
    }
    setApiKey(key);
    this.dialog.close();
    this.dispatchEvent(new Event('accepted'));
  }

  refuse() {
    this.wrong = true;
    this.render();
    $('key').focus();
  }

  render() {
    put($('key-err'), this.wrong ? t('e_badkey') : '');
    $('key').setAttribute('aria-invalid', String(this.wrong));
  }
}

export function setUpHelp() {
  $('b-help').addEventListener('click', openHelp);
  onLanguage(() => {
    const rows = KEYS.flatMap(([key, choices]) => [el('dt', {}, t(key)), el('dd', {}, ...choices.map(combination))]);
    $('keys').replaceChildren(...rows);
  });
}

export const openHelp = () => $('d-help').showModal();

const combination = (parts) => el('span', {}, ...parts.map((part) => el('kbd', {}, part)));
