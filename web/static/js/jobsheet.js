// One job of the service, opened: save it, hear a chapter, make one passage again or otherwise.
import { ask } from './api.js';
import { $, el, icon, name, note, put, save } from './dom.js';
import { onLanguage, t } from './i18n.js';
import { isWhole } from './jobs.js';
import { lineOf, nameOf, wrongOf } from './joblist.js';

const PAGE = 100; // passages that are asked for at once
const FILES = [
  ['mp3', 'audio?format=mp3'], ['m4b', 'audio?format=m4b'], ['zip', 'audio?format=mp3&zip=true'], ['flac', 'audio?format=flac'],
  ['wav', 'audio?format=wav'], ['srt', 'captions?format=srt'], ['vtt', 'captions?format=vtt'],
];

const bare = (text) => text.replace(/^#+ /, '');
const shortOf = (part) => bare(part.text).slice(0, 40);

/** The answer with a file, which the service may have to put together first. */
async function whenMade(address) {
  for (;;) {
    try { return await ask(address); } catch (error) {
      if (error.code !== 'file_in_making') throw error;
      await new Promise((done) => { setTimeout(done, 1000 * (error.retryAfterS ?? 2)); });
    }
  }
}

/** play(job, chapter), situation(). */
export function setUpJobSheet({ jobs, voices, play, situation }) {
  const dialog = $('d-job');
  let job = null, parts = [], shown = PAGE, busy = '', wrong = null, editing = -1;

  const open = async (which) => {
    [job, parts, shown, busy, wrong, editing] = [which, [], PAGE, '', null, -1];
    render();
    dialog.showModal();
    await read();
  };

  /** The job as it is now; what was asked for another one meanwhile is left aside. */
  async function read() {
    const { id } = job;
    const pages = Array.from({ length: shown / PAGE }, (_, i) => jobs.passages(id, PAGE, i * PAGE));
    const [now, ...found] = await Promise.all([jobs.job(id), ...pages]).catch((error) => { wrong = error; return []; });
    if (job.id !== id) return;
    if (now) [job, parts] = [now, found.flatMap(({ passages }) => passages)];
    if (editing < 0) render(); else renderHead();
  }

  function renderHead() {
    put($('d-job-h'), nameOf(job));
    put($('j-line'), lineOf(job));
    for (const button of $('j-save').querySelectorAll('button')) {
      button.disabled = job.state !== 'done' || Boolean(busy);
      put(button.lastElementChild, button.dataset.file === busy ? t('dl_busy') : t(`j_as_${button.dataset.file}`));
    }
    note($('j-wrong'), wrong ? wrongOf(wrong, situation()) : '');
  }

  function render() {
    if (!job) return;
    renderHead();
    const focused = document.activeElement.closest('#j-parts') && document.activeElement.dataset, chapters = job.chapters ?? [];
    $('j-parts').replaceChildren(...parts.flatMap((part) => {
      const chapter = chapters.find(({ first_passage: first, title }) => first === part.number && (title || chapters.length > 1));
      const alone = chapter && chapter.title === bare(part.text) && part.number !== editing; // the passage is the title
      return [chapter ? chapterRow(chapter, alone ? part : null) : null, alone ? null : passageRow(part)].filter(Boolean);
    }));
    $('b-jmore').hidden = parts.length >= job.passages_total || !parts.length;
    if (focused?.do) $('j-parts').querySelector(`[data-do=${focused.do}][data-n="${focused.n}"]`)?.focus();
  }

  /** part: the passage that says the title, if that is all it says. */
  function chapterRow(chapter, part) {
    const title = chapter.title || t('j_chapter', { n: chapter.number + 1 }), button = control('hear', chapter.number, 'play', t('h_play', { text: title }));
    button.disabled = !isWhole(chapter);
    return el('li', { class: 'jc' }, button, el('h3', {}, title), ...(part ? [opsOf(part), el('small', {}, aboutOf(part))] : []));
  }

  function passageRow(part) {
    if (part.number === editing) return el('li', { class: 'jp' }, el('textarea', { rows: 3, 'data-n': part.number, 'aria-label': t('j_edit', { text: shortOf(part) }) }, part.text));
    return el('li', { class: 'jp' }, el('p', { dir: 'auto' }, bare(part.text)), opsOf(part), el('small', {}, aboutOf(part)));
  }

  function opsOf(part) {
    const text = shortOf(part), ops = [control('again', part.number, 'again', t('j_again', { text })), control('edit', part.number, 'pen', t('j_edit', { text }))];
    if (voices.all.length > 1) ops.push(control('voice', part.number, 'say', t('j_voice', { text })));
    return el('div', { class: 'ops' }, ...ops);
  }

  /** What is to be known of a passage, and its voice if it is another. */
  function aboutOf(part) {
    const state = part.done ? part.flaws.map((flaw) => t(`j_flaw_${flaw}`)).join(', ') : t('j_missing');
    return [state, part.voice === job.voice ? '' : voices.nameOf(part.voice)].filter(Boolean).join(' · ');
  }

  const control = (what, n, drawing, label) => {
    const button = el('button', { class: 'icon', type: 'button', 'data-do': what, 'data-n': n }, icon(drawing));
    name(button, label);
    return button;
  };

  async function again(number, change) {
    editing = -1;
    wrong = null;
    await jobs.again(job.id, number, change).catch((error) => { wrong = error; });
    await read();
  }

  const actions = {
    hear: (n) => { dialog.close(); play(job, n); },
    again: (n) => again(n, { seed: Math.floor(Math.random() * 2 ** 32) }), // another reading
    edit: (n) => { editing = n; render(); $('j-parts').querySelector('textarea').select(); },
    voice: (n) => voices.pick(parts[n].voice, (voice) => again(n, { voice })),
  };

  async function get(file) {
    busy = file;
    renderHead();
    try {
      const address = `api/jobs/${job.id}/${FILES.find(([what]) => what === file)[1]}`;
      save(await (await whenMade(address)).blob(), `${nameOf(job).replace(/[\\/:*?"<>|\n]+/g, ' ').trim().slice(0, 80)}.${file}`);
    } catch (error) { wrong = error; }
    busy = '';
    renderHead();
  }

  $('j-save').addEventListener('click', (event) => { const file = event.target.closest('button')?.dataset.file; if (file) get(file); });
  $('j-parts').addEventListener('click', (event) => { const on = event.target.closest('[data-do]')?.dataset; if (on) actions[on.do](Number(on.n)); });
  $('j-parts').addEventListener('keydown', (event) => {
    if (!event.target.matches('textarea') || event.isComposing || !['Enter', 'Escape'].includes(event.key)) return;
    event.preventDefault();
    const { value } = event.target, n = editing;
    if (event.key === 'Enter' && value.trim()) { again(n, { text: value.trim() }); return; }
    editing = -1;
    render();
    $('j-parts').querySelector(`[data-do=edit][data-n="${n}"]`)?.focus();
  });
  $('b-jmore').addEventListener('click', () => { shown += PAGE; read(); });
  jobs.addEventListener('change', () => {
    const now = dialog.open && jobs.of(job.id);
    if (now && (now.changed_at !== job.changed_at || now.passages_done !== job.passages_done)) read();
  });
  $('j-save').replaceChildren(...FILES.map(([file]) => el('button', { class: 'ghost', type: 'button', 'data-file': file }, el('b', {}, file.toUpperCase()), el('span'))));
  onLanguage(render);
  return open;
}
