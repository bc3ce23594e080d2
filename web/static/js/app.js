// Joins the parts of the page.
import { ApiError, apiKey, askJson, link } from './api.js';
import { Connection } from './connection.js';
import { Delivery } from './delivery.js';
import { KeyDialog, setUpHelp } from './dialogs.js';
import { $, alarm, announce, put } from './dom.js';
import { setUpDialogue } from './dialogue.js';
import { Download } from './download.js';
import { explain } from './errors.js';
import { adopt, setUpFiles } from './files.js';
import { Gpu } from './gpu.js';
import { History, titleOf } from './history.js';
import { lang, onLanguage, sentences, setLanguage, t, translate } from './i18n.js';
import { JobList } from './joblist.js';
import { jobOf, ServerJobs } from './jobs.js';
import { setUpKeys } from './keys.js';
import { Library } from './library.js';
import { setUpPassages } from './passagemenu.js';
import * as prefs from './prefs.js';
import { Preview } from './preview.js';
import { setUpReading } from './reading.js';
import { setUpShare } from './share.js';
import { Stage } from './stage.js';
import { estimate, learnPace } from './text.js';
import { setUpTheme } from './theme.js';
import { Voices } from './voices.js';
import { fullName } from './voicetext.js';

const TITLE_CHARS = 60;
const LONG_S = 120; // what lasts longer may be left to the service
const LATE_MS = 2000; // a document is kept sooner than that after its text

translate();

const voices = new Voices(), delivery = new Delivery(), gpu = new Gpu(), preview = new Preview();
const keyDialog = new KeyDialog(), connection = new Connection();

const stage = new Stage({
  settings: () => ({ voice: voices.chosenId ?? undefined, ...delivery.fields }),
  voiceName: (id) => voices.nameOf(id),
  situation: () => ({ slots: gpu.status?.slots_total, queue: gpu.status?.queue_depth, keyGiven: Boolean(apiKey()) }),
  atOnce: () => gpu.room,
  askForKey: () => keyDialog.open(),
});
const { script, text } = stage;
const library = new Library(script, describe), history = new History(library);
const jobs = new ServerJobs(), jobList = new JobList(jobs, stage.situation);
const download = new Download(() => stage.job);
setUpFiles({ text, stage, library, serves: () => jobs.takesJobs(), serve: (file) => leave(() => jobs.addFile(file, { ...script.settings(), format: 'mp3' })) });
setUpPassages({ stage, voices, library, reading: setUpReading({ stage, library }) });
setUpDialogue({ stage, voices });

let sampleRate = 24000; // of the engine, Hz

/** The document in the words of the history. */
function describe() {
  const ids = [...new Set(script.passages.map(({ job }) => job?.request.voice).filter(Boolean))], shown = ids.map((id) => voices.rows.get(id)?.voice).filter(Boolean);
  return { voices: shown.slice(0, 3).map(fullName).join(', '), language: shown[0]?.language ?? 'en' };
}

// -- what the server has -----------------------------------------------------------------------------------------------

/** Engine, formats, voices, GPU: at the start, after a new key, and when the server is back. */
async function learn() {
  try {
    const [info, list] = await Promise.all([askJson('api/info'), askJson('api/voices')]);
    text.know({ languages: info.engine.languages });
    script.max = info.max_text_chars;
    sampleRate = info.engine.sample_rate;
    delivery.know({ cfgCoefs: info.engine.cfg_coefs, defaultCfgCoef: info.engine.default_cfg_coef, sampling: info.engine.sampling });
    download.know(info.formats.map((format) => format.name));
    $('b-clone').hidden = !info.cloning;
    gpu.setEngine(info.engine, info.step_up);
    voices.load(list);
    stage.written();
    stage.trouble(null);
  } catch (error) {
    if (error instanceof ApiError) stage.trouble(error); else throw error;
  }
  gpu.look();
  jobs.look();
}

connection.addEventListener('lost', () => { stage.trouble(new ApiError(0)); gpu.setReachable(false); });
connection.addEventListener('back', () => { announce(t('sr_online')); gpu.setReachable(true); learn(); });
stage.addEventListener('ask', learn);
keyDialog.addEventListener('accepted', learn);

// -- a making from begin to end ----------------------------------------------------------------------------------------

stage.addEventListener('fresh', () => library.fresh());
stage.addEventListener('begun', ({ detail: track }) => {
  preview.stop();
  gpu.setBusy(true);
  voices.used();
  for (const job of track.jobs) library.watch(job);
});
stage.addEventListener('over', ({ detail: track }) => {
  gpu.setBusy(stage.maker.running);
  for (const job of track.jobs) if (job.state === 'complete' && !job.kept) learnPace(job.words.length, job.tape.seconds);
  library.save();
});
$('text').addEventListener('input', () => library.own(), { capture: true });
stage.addEventListener('leaving', () => library.leave());
stage.addEventListener('written', () => { library.back(); library.saveSoon(); });
window.addEventListener('beforeunload', (event) => { if (stage.maker.running || library.unkept) event.preventDefault(); });
stage.addEventListener('refused', ({ detail: found }) => {
  if (found.place === 'key') keyDialog.open();
  if (found.place === 'voice') { voices.complain(() => t(found.title)); alarm(t(found.title)); learn(); }
  if (['cfg', 'speed', 'seed', 'temperature'].includes(found.place)) delivery.complain(found.place, found.raw);
});

// -- voices and settings -----------------------------------------------------------------------------------------------

for (const part of [voices, delivery]) part.addEventListener('change', () => stage.render());
for (const what of ['example', 'language']) text.addEventListener(what, ({ detail }) => voices.chooseLanguage(detail));
voices.addEventListener('change', () => text.know({ voiceLanguage: voices.chosen?.language ?? null }));
voices.addEventListener('preview', ({ detail: voice }) => {
  stage.player.pause();
  preview.toggle(voice, stage.transport.volume);
});
preview.addEventListener('change', () => {
  voices.showPreview(preview.voice?.id ?? null, preview.waits);
  if (preview.voice) setTimeout(() => gpu.look(), 200); // it may have to load the model first: see it begin
});
preview.addEventListener('failed', ({ detail: error }) => {
  const found = explain(error, stage.situation());
  voices.complain(() => sentences(t('preview_failed'), t(found.title, found.values)));
  if (found.place === 'key') keyDialog.open();
});
stage.player.addEventListener('state', () => { if (stage.player.state === 'playing') preview.stop(); });

let openClone = null; // once it was asked for
$('b-clone').addEventListener('click', async () => {
  openClone ??= (await import('./clone.js')).setUpClone({ made: newVoice, voices: () => voices.all, situation: stage.situation });
  openClone();
});

/** The list of voices is another. id: of the one that was made. */
async function newVoice(id) {
  voices.load(await askJson('api/voices'));
  if (id) { voices.choose(id); voices.reveal(); }
}

// -- history -----------------------------------------------------------------------------------------------------------

history.addEventListener('press', () => stage.player.unlock());
history.addEventListener('play', async ({ detail: doc }) => {
  const spoken = doc.id === script.id && script.passages.find((p) => p.job?.tape.length);
  if (spoken) { stage.hear(spoken); return; }
  const track = await library.track(doc, titleOf(doc).slice(0, 60));
  if (track) stage.replay(track); else library.look(); // deleted in another tab
});
history.addEventListener('download', async ({ detail: doc }) => download.get(await library.track(doc, titleOf(doc))));
history.addEventListener('open', async ({ detail: doc }) => {
  if (stage.maker.running) stage.stop();
  await library.save();
  await library.open(doc);
  text.set(doc.text);
  if (doc.settings) { voices.choose(doc.settings.voice); delivery.set(doc.settings); }
  stage.ready();
  text.focus(0);
});
library.restore().then((doc) => {
  const older = doc && (prefs.get('textOf') !== doc.id || doc.at > prefs.get('textAt', 0) + LATE_MS); // another tab's, or not kept by a crash
  if (older && text.value !== doc.text) text.set(doc.text);
  stage.ready();
  setUpShare({ stage, voices, delivery, adopt: (content) => adopt({ text, stage, library }, content) });
  return library.settle();
});

// -- jobs of the service -----------------------------------------------------------------------------------------------

let openJob = null; // once it was asked for
let leaving = false; // something is on its way to the service

/** Hear what there is of a job, from that chapter on. Call inside a click or key handler. */
async function playJob({ id }, chapter = 0) {
  stage.player.unlock(sampleRate);
  try {
    const { load, trackOfJob } = await import('./jobtrack.js');
    const track = trackOfJob(await jobs.job(id), sampleRate, chapter);
    if (!track) return;
    stage.replay(track);
    await load(track, stage.player, () => stage.job === track);
  } catch (error) { jobList.complain(error); }
}

/** So much of a text as is shown in a list. */
const shortened = (text) => (text.length > TITLE_CHARS ? `${text.slice(0, TITLE_CHARS).replace(/\s+\S*$/, '')}…` : text);

jobList.addEventListener('play', ({ detail: job }) => playJob(job));
jobList.addEventListener('open', async ({ detail: job }) => {
  openJob ??= (await import('./jobsheet.js')).setUpJobSheet({ jobs, voices, play: playJob, situation: stage.situation });
  openJob(job);
});
/** Leave something to the service. give(): sends it. One at a time: a second press while it is read would make it twice. */
async function leave(give) {
  if (leaving) return;
  leaving = true;
  jobList.complain(null);
  renderServer();
  try { await give(); jobList.added(); } catch (error) { jobList.complain(error); }
  leaving = false;
  renderServer();
}

function renderServer() {
  $('b-server').hidden = !leaving && (!jobs.available || estimate(text.value) < LONG_S);
  $('b-server').setAttribute('aria-disabled', String(leaving));
  put($('b-server'), t(leaving ? 'j_sending' : 'j_make'));
}

$('b-server').addEventListener('click', () => leave(() => {
  const title = script.name || shortened(script.passages[0]?.text ?? '');
  return jobs.add(jobOf(script, title, 'mp3'));
}));
stage.addEventListener('written', renderServer);
jobs.addEventListener('change', renderServer);
onLanguage(renderServer);

// -- the frame ---------------------------------------------------------------------------------------------------------

setUpTheme(() => stage.transport.redraw());
setUpHelp();
setUpKeys({ stage, download, gpu });
for (const language of ['en', 'zh']) {
  $(`b-${language}`).addEventListener('click', () => { setLanguage(language).then(() => prefs.set('lang', language), () => {}); }); // out of reach: it stays as it is
}
onLanguage(() => { for (const l of ['en', 'zh']) $(`b-${l}`).setAttribute('aria-pressed', String(l === lang)); });
if (matchMedia('(max-width: 47.99em)').matches) $('delivery').open = false;
link.addEventListener('refused', () => { if (!stage.job) stage.trouble(new ApiError(401)); });
learn();
if (isSecureContext) navigator.serviceWorker?.register('offline.js').catch(() => {}); // the page opens without the server, too
