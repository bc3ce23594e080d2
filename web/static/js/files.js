// Files into the document: dropped anywhere on the page, pasted, or chosen. They are read here, and only sent when somebody leaves one to the service.
import { $, alarm, note } from './dom.js';
import { number, onLanguage, t } from './i18n.js';

const READERS = { txt: plain, text: plain, md: markdown, markdown, srt: subtitles, vtt: subtitles, html: webPage, htm: webPage, xhtml: webPage };
const BOOKS = new Set(['epub', 'docx']);
const HEADING_CHARS = 80;
const CHAPTER = /^(?:(?:chapter|chapitre|part|partie|book|livre|act|acte|scene|scène)\s+(?:\d{1,3}|[ivxlc]{1,7}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|the \w+|premier|première)\b[.:]?(?:\s.*)?|(?:prologue|epilogue|épilogue|preface|préface|introduction|foreword|afterword|contents)[.:]?)(?<![,;])$/is;
const LONG_CHARS = 150_000; // three hours of speech: too much to write in

/** serves(): resolves to whether the service takes long texts. serve(file): leave one to it. */
export function setUpFiles({ text, stage, library, serves, serve }) {
  let complaint = null, long = null; // { file, found }: to be asked what becomes of it
  const render = () => {
    const n = long && number(long.found.text.length, 0);
    note($('file-note'), complaint ? t(complaint) : long ? t('f_long', { name: long.found.name, n }) : '', long ? 'warn' : 'bad');
    for (const id of ['b-fserve', 'b-fhere']) $(id).hidden = !long;
  };
  const here = ({ found }) => adopt({ text, stage, library }, found.text, found.name);
  const take = async (files) => {
    const [file, ...more] = files, found = await readAll(files).catch(() => null);
    complaint = !found ? 'f_unknown' : found.text.trim() ? null : 'f_empty';
    long = null;
    if (!complaint) { if (found.text.length > LONG_CHARS && !more.length && (await serves())) long = { file, found }; else await here({ found }); }
    render();
    if (complaint) alarm(t(complaint));
    if (long) $('b-fserve').focus();
  };
  const answer = (use) => () => { const asked = long; long = null; render(); use(asked); };
  $('b-fserve').addEventListener('click', answer(({ file }) => serve(file)));
  $('b-fhere').addEventListener('click', answer(here));
  $('b-file').addEventListener('click', () => $('file').click());
  $('file').addEventListener('change', () => { const files = [...$('file').files]; $('file').value = ''; if (files.length) take(files); });
  dropping(take);
  document.addEventListener('paste', ({ clipboardData }) => { if (clipboardData.files.length && !clipboardData.types.includes('text/plain')) take([...clipboardData.files]); });
  onLanguage(render);
}

/** A file's text and name. Raises an error for a kind that is not read here, or one that is broken. */
export async function read(file) {
  const [, name, ending] = /^(.*?)(?:\.([^.]*))?$/s.exec(file.name), kind = (ending ?? '').toLowerCase();
  if (BOOKS.has(kind)) {
    const { [kind]: open } = await import('./books.js'), book = await open(await file.arrayBuffer());
    return { name: book.name || name, text: tidy(book.text) };
  }
  const reader = READERS[kind] ?? (file.type.startsWith('text/') ? plain : null);
  if (!reader) throw new TypeError(file.name);
  return { name, text: tidy(await reader(decoded(await file.arrayBuffer()))) };
}

/** Several files are one text, in the order of their names: chapter 2 before chapter 10. */
async function readAll(files) {
  const inOrder = [...files].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })), found = [];
  for (const file of inOrder) found.push(await read(file));
  return { name: found[0].name, text: found.map(({ text }) => text).filter(Boolean).join('\n\n') };
}

/** Begin another document with this text. What was written is in the history. */
export async function adopt({ text, stage, library }, content, name = '') {
  if (stage.maker.running) stage.stop();
  await library.begin(name);
  text.replace(content);
  text.focus(0);
}

/** The page takes what is dropped anywhere: the browser would leave it and show the file. */
function dropping(take) {
  const files = (event) => event.dataTransfer?.types.includes('Files'), show = (on) => document.body.toggleAttribute('data-drop', on);
  document.addEventListener('dragover', (event) => { if (files(event)) { event.preventDefault(); show(true); } });
  document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) show(false); });
  document.addEventListener('drop', (event) => {
    if (!files(event)) return;
    event.preventDefault();
    show(false);
    if (event.dataTransfer.files.length) take([...event.dataTransfer.files]);
  });
}

/** UTF-8, UTF-16 with its mark, else what Windows wrote. */
function decoded(buffer) {
  const mark = new Uint8Array(buffer.slice(0, 2)).join();
  if (mark === '255,254') return new TextDecoder('utf-16le').decode(buffer);
  if (mark === '254,255') return new TextDecoder('utf-16be').decode(buffer);
  try { return new TextDecoder('utf-8', { fatal: true }).decode(buffer); } catch { return new TextDecoder('windows-1252').decode(buffer); }
}

const tidy = (text) => text.replace(/\r\n?/g, '\n').replace(/[ \t\u00a0]+$/gm, '').replace(/\n{3,}/g, '\n\n').trim();

/** Lines such as CHAPTER I become titles, as in the service (speech/documents/plain.py). */
function plain(text) {
  const parts = text.replace(/\r\n?/g, '\n').split(/\n[ \t]*(?:\n[ \t]*)+/).map((part) => part.trim());
  return parts.map((part) => (part.length <= HEADING_CHARS && CHAPTER.test(part) ? `## ${part.replace(/\s+/g, ' ')}` : part)).join('\n\n');
}

async function webPage(text) { return (await import('./webpage.js')).webPage(text); }

/** Titles stay; what only a reader's eye needs goes. */
function markdown(text) {
  return text.replace(/\r\n?/g, '\n').replace(/^---\n[\s\S]*?\n---\n/, '').replace(/^(```|~~~)[\s\S]*?^\1.*$/gm, '').replace(/<!--[\s\S]*?-->/g, '').replace(/^\[\^[^\]\s]+\]:.*$/gm, '').replace(/\[\^[^\]\s]+\]/g, '')
    .replace(/^(.+)\n=+$/gm, '# $1').replace(/^(.+)\n-{2,}$/gm, '## $1').replace(/^[ \t]*(?:[-*_][ \t]*){3,}$/gm, '')
    .replace(/!\[[^\]]*\]\([^)]*\)/g, '').replace(/\[([^\]]+)\](?:\([^)]*\)|\[[^\]]*\])/g, '$1')
    .replace(/^[ \t]*(?:[-*+]|\d+\.)[ \t]+/gm, '').replace(/^[ \t]*>[ \t]?/gm, '').replace(/(\*\*|__|~~)(?=\S)(.+?)\1/g, '$2').replace(/(^|[^\w*])[*_](?=\S)([^*_\n]+)[*_](?!\w)/g, '$1$2').replace(/`([^`]+)`/g, '$1');
}

/** What is said, without numbers and times. */
function subtitles(text) {
  const cues = text.replace(/\r\n?/g, '\n').split(/\n{2,}/).filter((cue) => cue.includes('-->'));
  return cues.map((cue) => cue.slice(cue.indexOf('\n', cue.indexOf('-->')) + 1).replace(/<[^>]*>|\{\\[^}]*\}/g, '').replace(/\n/g, ' ').trim()).filter(Boolean).join('\n');
}
