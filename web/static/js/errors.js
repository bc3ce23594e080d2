// An error -> where on the page it belongs, in which words, and what can be done. Knows no element.
import { knows } from './i18n.js';

/**
 * place: 'text', 'voice', 'key', a setting, 'monitor'. title, body: keys of strings, with values.
 * action: 'retry', 'key', 'none'. details: the server's own English sentence, shown on request.
 */
export function explain(error, situation) {
  const found = { place: 'monitor', tone: 'bad', icon: 'err', action: 'retry', values: {}, ...pick(error, situation) };
  found.details = found.details ?? error.message;
  return found;
}

const wait = (title, body) => ({ title, body, tone: 'warn', icon: 'clock' });

function pick(error, { slots, queue, keyGiven }) {
  if (error.code === 'broken') return { title: 'e_cut', body: 'e_draining_d', details: '' };
  if (error.status === 0) return { title: 'e_offline', body: 'e_offline_d', tone: 'warn', icon: 'warn', action: 'none', details: '' };
  const known = BY_CODE[error.code];
  if (error.status === 401) {
    return { title: keyGiven ? 'e_key_wrong' : 'e_auth', body: keyGiven ? 'e_badkey' : 'e_auth_d', place: 'key', action: 'key', tone: 'warn', icon: 'key', details: '' };
  }
  if (known) return known;
  if (error.status === 413) return BY_CODE.text_too_long;
  if (error.status === 429 || error.code === 'queue_full') {
    const body = slots && queue ? 'e_full_d' : 'e_full_n';
    return { ...wait('e_full', body), values: { slots, q: queue } };
  }
  if (error.status === 503) return wait('e_draining', 'e_draining_d');
  if (error.status >= 400 && error.status < 500) return { title: 'e_settings', place: PLACES[error.param] ?? 'monitor', values: {}, raw: error.message };
  return { title: 'e_server', body: 'e_server_d', values: { id: error.requestId ?? '–' } };
}

const PLACES = { text: 'text', voice: 'voice', cfg_coef: 'cfg', speed: 'speed', seed: 'seed', temperature: 'temperature' };
const fault = { title: 'e_gpu', body: 'e_gpu_d' };
const memory = { title: 'e_oom', body: 'e_oom_n' };
const noLoad = { title: 'e_load', body: 'e_load_d' };

const BY_CODE = {
  text_too_long: { place: 'text', title: 'e_long' },
  speech_too_long: { place: 'text', title: 'e_long' },
  nothing_to_say: { place: 'text', title: 'e_nothing' },
  voice_not_found: { place: 'voice', title: 'e_voice' },
  rate_limited: wait('e_slow', 'e_slow_d'),
  queue_timeout: wait('e_timeout', 'e_draining_d'),
  draining: wait('e_draining', 'e_draining_d'),
  out_of_memory: memory,
  too_little_memory: memory,
  unavailable: { title: 'e_unavailable', body: 'e_load_d' },
  model_not_loaded: wait('e_loading', 'e_loading_d'),
  load_failed: noLoad,
  engine_died: fault,
  gpu_hangs: fault,
  engine_closed: { title: 'e_cut', body: 'e_draining_d' },
};

/** Every string that an error may need is there: for the tests. */
export const unknownStrings = () => Object.values(BY_CODE).flatMap((e) => [e.title, e.body]).filter((key) => key && !knows(key));
