// Joins the parts of the page.
import { ApiError, apiKey, askJson, link } from './api.js';
import { Connection } from './connection.js';
import { Delivery } from './delivery.js';
import { KeyDialog, setUpHelp } from './dialogs.js';
import { $, alarm, announce } from './dom.js';
import { Download } from './download.js';
import { explain } from './errors.js';
import { Gpu } from './gpu.js';
import { History } from './history.js';
import { lang, onLanguage, setLanguage, t, translate } from './i18n.js';
import { setUpKeys } from './keys.js';
import * as prefs from './prefs.js';
import { Preview } from './preview.js';
import { Stage } from './stage.js';
import { learnPace } from './text.js';
import { setUpTheme } from './theme.js';
import { Voices } from './voices.js';
import { fullName } from './voicetext.js';

translate();

const voices = new Voices(), delivery = new Delivery(), gpu = new Gpu(), history = new History(), preview = new Preview();
const keyDialog = new KeyDialog(), connection = new Connection();

const stage = new Stage({
  settings: () => ({ voice: voices.chosenId ?? undefined, language: voices.chosen?.language ?? 'en', ...delivery.fields }),
  situation: () => ({ slots: gpu.status?.slots_total, queue: gpu.status?.queue_depth, keyGiven: Boolean(apiKey()) }),
  askForKey: () => keyDialog.open(),
});
const download = new Download(() => stage.job);

// -- what the server has -----------------------------------------------------------------------------------------------

/** Engine, formats, voices, GPU: at the start, after a new key, and when the server is back. */
async function learn() {
  try {
    const [info, list] = await Promise.all([askJson('api/info'), askJson('api/voices')]);
    stage.text.know({ maxChars: info.max_text_chars, languages: info.engine.languages });
    delivery.know({ cfgCoefs: info.engine.cfg_coefs, defaultCfgCoef: info.engine.default_cfg_coef });
    download.know(info.formats.map((format) => format.name));
    gpu.setEngine(info.engine);
    voices.load(list);
    stage.trouble(null);
  } catch (error) {
    if (error instanceof ApiError) stage.trouble(error); else throw error;
  }
  gpu.look();
}

connection.addEventListener('lost', () => { stage.trouble(new ApiError(0)); gpu.setReachable(false); });
connection.addEventListener('back', () => { announce(t('sr_online')); gpu.setReachable(true); learn(); });
stage.addEventListener('ask', learn);
keyDialog.addEventListener('accepted', learn);

// -- a job from begin to end -------------------------------------------------------------------------------------------

stage.addEventListener('begun', () => { preview.stop(); gpu.setBusy(true); voices.used(); });
stage.addEventListener('over', ({ detail: job }) => {
  gpu.setBusy(Boolean(stage.job?.running));
  if (!job.tape.length) return;
  if (job.state === 'complete') learnPace(job.words.length, job.tape.seconds);
  const voice = voices.rows.get(job.request.voice)?.voice;
  history.add(job, voice ? fullName(voice) : '', voice?.language ?? 'en');
});
stage.addEventListener('refused', ({ detail: found }) => {
  if (found.place === 'key') keyDialog.open();
  if (found.place === 'voice') { voices.complain(() => t(found.title)); alarm(t(found.title)); learn(); }
  if (found.place === 'cfg' || found.place === 'speed') delivery.complain(found.place, found.raw);
});

// -- voices and settings -----------------------------------------------------------------------------------------------

for (const part of [voices, delivery]) part.addEventListener('change', () => stage.render());
stage.text.addEventListener('example', ({ detail }) => voices.chooseLanguage(detail));
voices.addEventListener('change', () => { $('text').lang = voices.chosen?.language ?? 'en'; });
voices.addEventListener('preview', ({ detail: voice }) => {
  stage.player.pause();
  preview.toggle(voice, stage.transport.volume);
});
preview.addEventListener('change', () => {
  voices.showPreview(preview.voice?.id ?? null);
  if (preview.voice) setTimeout(() => gpu.look(), 200); // it may have to load the model first: see it begin
});
preview.addEventListener('failed', ({ detail: error }) => {
  const found = explain(error, stage.situation());
  voices.complain(() => `${t('preview_failed')} ${t(found.title, found.values)}`);
  if (found.place === 'key') keyDialog.open();
});
stage.player.addEventListener('state', () => { if (stage.player.state === 'playing') preview.stop(); });

// -- history -----------------------------------------------------------------------------------------------------------

history.addEventListener('press', () => stage.player.unlock());
history.addEventListener('play', ({ detail: { entry, job } }) => stage.replay(job, entry.language));
history.addEventListener('download', ({ detail: { job } }) => download.get(job));
history.addEventListener('reuse', ({ detail: { entry } }) => {
  stage.edit();
  stage.text.replace(entry.request.text);
  voices.choose(entry.request.voice);
  delivery.set(entry.request);
  stage.text.focus(0);
});

// -- the frame ---------------------------------------------------------------------------------------------------------

setUpTheme(() => stage.transport.redraw());
setUpHelp();
setUpKeys({ stage, download });
for (const language of ['en', 'zh']) {
  $(`b-${language}`).addEventListener('click', () => { prefs.set('lang', language); setLanguage(language); });
}
onLanguage(() => { for (const l of ['en', 'zh']) $(`b-${l}`).setAttribute('aria-pressed', String(l === lang)); });
if (matchMedia('(max-width: 47.99em)').matches) $('delivery').open = $('gpu').open = false;
link.addEventListener('refused', () => { if (!stage.job) stage.trouble(new ApiError(401)); });
learn();
