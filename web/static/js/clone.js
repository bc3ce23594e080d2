// A voice of one's own: recorded or chosen, heard, agreed to, named, and made by the service. Knows no list of voices.
import { ask, askJson } from './api.js';
import { $, announce, el, icon, name, note, put } from './dom.js';
import { explain } from './errors.js';
import { number, onLanguage, t } from './i18n.js';
import { wavOf } from './tape.js';

const LEAST_S = 3, MOST_S = 30; // what the service takes
const RATE = 24000; // Hz, of what is sent

/** made(id): there is another voice. voices(): all of them. situation(). */
export function setUpClone({ made, voices, situation }) {
  const dialog = $('d-clone');
  let recorder = null, recording = null, wrong = null, busy = false, deleting = '', ticking;

  function open() {
    Object.assign($('clone-form'), { noValidate: true }).reset();
    take(null);
    dialog.showModal();
  }

  /** What will be sent; null: nothing. */
  function take(wav) {
    recording = wav;
    wrong = null;
    if ($('c-heard').src) URL.revokeObjectURL($('c-heard').src);
    if (wav) $('c-heard').src = URL.createObjectURL(wav); else $('c-heard').removeAttribute('src');
    render();
  }

  function fail(what, values = {}) { wrong = () => t(what, values); render(); }

  /** Any sound that the browser reads, as mono WAV: browsers record in formats that differ. */
  async function read(blob) {
    const context = new OfflineAudioContext(1, RATE, RATE);
    const sound = await context.decodeAudioData(await blob.arrayBuffer()).catch(() => null);
    if (!sound) { fail('c_unread'); return; }
    if (sound.duration < LEAST_S || sound.duration > MOST_S + 0.5) { fail('c_length', { s: number(sound.duration, 1) }); return; }
    const samples = new Int16Array(sound.length);
    for (let c = 0; c < sound.numberOfChannels; c++) sound.getChannelData(c).forEach((x, i) => { samples[i] += (Math.max(-1, Math.min(1, x)) * 32767) / sound.numberOfChannels; });
    take(wavOf(samples, sound.sampleRate));
  }

  async function record() {
    if (recorder) { recorder.stop(); return; }
    take(null);
    const stream = await navigator.mediaDevices?.getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false } }).catch(() => null);
    if (!stream) { fail('c_mic'); return; }
    if (!dialog.open) { release(stream); return; }
    const pieces = [];
    recorder = new MediaRecorder(stream);
    recorder.begunAt = performance.now();
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    recorder.onstop = () => {
      const { mimeType } = recorder;
      clearInterval(ticking);
      release(stream);
      recorder = null;
      if (dialog.open) read(new Blob(pieces, { type: mimeType })); else render();
    };
    recorder.start();
    ticking = setInterval(tick, 200);
    render();
  }

  const release = (stream) => { for (const track of stream.getTracks()) track.stop(); };

  function tick() {
    render();
    if (recorder?.state === 'recording' && passed() > MOST_S) recorder.stop();
  }

  const passed = () => (performance.now() - recorder.begunAt) / 1000;

  async function make() {
    const called = $('c-name').value.trim();
    if (busy) return;
    if (!recording) { fail('c_nothing'); $('b-record').focus(); return; }
    if (!called) { fail('c_nameless'); $('c-name').focus(); return; }
    if (!$('c-consent').checked) { fail('c_no_consent'); $('c-consent').focus(); return; }
    const body = new FormData();
    body.append('file', recording, 'recording.wav');
    body.append('name', called);
    body.append('consent', 'true');
    busy = true;
    wrong = null;
    render();
    try {
      const voice = await askJson('api/voices/clone', { method: 'POST', body });
      await made(voice.id);
      announce(t('c_made', { name: called }));
      if (voice.warnings?.length) { take(null); fail('c_doubtful', { name: called, why: voice.warnings.map(({ code }) => t(`c_${code}`)).join(', ') }); } else dialog.close();
    } catch (error) {
      const { title, values, raw } = explain(error, situation());
      wrong = () => [t(title, values), raw ?? (error.status === 501 ? error.message : '')].filter(Boolean).join(': ');
    }
    busy = false;
    render();
  }

  /** Asked twice: what is gone cannot be made again, for the recording is not kept. */
  async function remove(id) {
    if (deleting !== id) { deleting = id; render(); $('c-own').querySelector(`[data-id="${CSS.escape(id)}"]`)?.focus(); return; }
    deleting = '';
    await ask(`api/voices/${encodeURIComponent(id)}`, { method: 'DELETE' }).catch((error) => { wrong = () => t(explain(error, situation()).title); });
    await made(null);
    render();
    $('c-name').focus();
  }

  function render() {
    put($('b-record').lastElementChild, recorder ? t('c_stop', { s: number(passed(), 0) }) : t('c_record'));
    $('b-record').toggleAttribute('data-on', Boolean(recorder));
    $('b-record').hidden = !navigator.mediaDevices || !('MediaRecorder' in window);
    $('c-heard').hidden = !recording;
    put($('b-make'), t(busy ? 'c_making' : 'c_make'));
    $('b-make').setAttribute('aria-disabled', String(busy));
    note($('c-note'), wrong?.() ?? '');
    const own = voices().filter((voice) => voice.made);
    $('c-yours').hidden = !own.length;
    $('c-own').replaceChildren(...own.map((voice) => {
      const button = el('button', { class: deleting === voice.id ? 'danger' : 'icon', type: 'button', 'data-id': voice.id }, deleting === voice.id ? t('c_sure') : icon('trash'));
      name(button, t(deleting === voice.id ? 'c_sure_x' : 'c_delete', { name: voice.name }));
      return el('li', {}, el('span', {}, voice.name), button);
    }));
  }

  $('b-record').addEventListener('click', record);
  $('b-cfile').addEventListener('click', () => $('c-file').click());
  $('c-file').addEventListener('change', () => { const [file] = $('c-file').files; if (file) read(file); $('c-file').value = ''; });
  $('c-own').addEventListener('click', (event) => { const id = event.target.closest('[data-id]')?.dataset.id; if (id) remove(id); });
  $('clone-form').addEventListener('submit', (event) => { event.preventDefault(); make(); });
  $('b-cclose').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => { deleting = ''; if (recorder) recorder.stop(); });
  onLanguage(render);
  return open;
}
