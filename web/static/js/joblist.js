// The jobs of the service as they are listed in the history: how far each is; hear it, rest and go on, open, delete with undo.
import { $, announce, clock, el, icon, name, note, put } from './dom.js';
import { explain } from './errors.js';
import { ago } from './history.js';
import { isWhole } from './jobs.js';
import { lang, number, onLanguage, t } from './i18n.js';

const UNDO_MS = 8000;
const TITLE_CHARS = 60;

/** Events: 'play' and 'open' with the job as detail. */
export class JobList extends EventTarget {
  constructor(jobs, situation) {
    super();
    Object.assign(this, { jobs, situation, leaving: new Map(), complaint: null });
    $('jlist').addEventListener('click', (event) => this.clicked(event));
    jobs.addEventListener('change', () => this.render());
    onLanguage(() => this.render());
  }

  /** Say what went wrong, in the language of the page. */
  complain(error) {
    this.complaint = error;
    this.render();
    if (error) $('j-note').focus();
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  clicked(event) {
    const what = event.target.closest('[data-do]')?.dataset.do, job = this.jobs.of(event.target.closest('li')?.dataset.id);
    if (!what || !job) return;
    this.complaint = null;
    if (what === 'delete') this.remove(job);
    else if (what === 'undo') this.undo(job);
    else if (what === 'cancel' || what === 'resume') this.jobs.act(job.id, what).catch((error) => this.complain(error));
    else this.dispatchEvent(new CustomEvent(what, { detail: job }));
  }

  remove(job) {
    this.leaving.set(job.id, setTimeout(() => { this.leaving.delete(job.id); this.jobs.remove(job.id).catch((error) => this.complain(error)); }, UNDO_MS));
    this.render();
    this.row(job)?.querySelector('button').focus(); // Undo, where Delete was
  }

  undo(job) {
    clearTimeout(this.leaving.get(job.id));
    this.leaving.delete(job.id);
    this.render();
    this.row(job)?.querySelector('[data-do=open]').focus();
  }

  row(job) { return [...$('jlist').children].find((li) => li.dataset.id === job.id); }

  render() {
    const { list } = this.jobs, active = document.activeElement, id = active.closest('#jlist li')?.dataset.id, action = active.dataset.do;
    $('jobs').hidden = !list.length && !this.complaint;
    const rows = list.map((job) => this.rowFor(job)), old = $('jlist').children;
    if (rows.length !== old.length || rows.some((row, i) => row !== old[i])) $('jlist').replaceChildren(...rows);
    for (const job of list) this.renderLine(job);
    if (id && !active.isConnected) (this.row({ id })?.querySelector(`[data-do=${action}], [data-do=open]`) ?? $('h-jobs')).focus({ preventScroll: true });
    this.renderNote();
  }

  renderNote() {
    note($('j-note'), this.complaint ? wrongOf(this.complaint, this.situation()) : '');
  }

  /** The row that is there, if it has the same buttons: a press may be on its way. */
  rowFor(job) {
    const leaving = this.leaving.has(job.id), old = this.row(job), look = JSON.stringify([lang, leaving, job.title, job.state, canBeHeard(job)]);
    if (old?.dataset.look === look) return old;
    const row = leaving ? goneRow(job) : liveRow(job);
    row.dataset.look = look;
    return row;
  }

  renderLine(job) {
    const row = this.row(job), bar = row?.querySelector('progress');
    if (row?.querySelector('small')) put(row.querySelector('small'), lineOf(job));
    if (bar) bar.value = job.passages_done;
  }

  /** A job was taken: here it is. */
  added() {
    announce(t('j_added'));
    $('jobs').scrollIntoView({ block: 'nearest' });
  }
}

const canBeHeard = (job) => job.state === 'done' || Boolean(job.chapters && job.chapters[0] && isWhole(job.chapters[0]));

/** What went wrong, in the language of the page. */
export function wrongOf(error, situation) {
  if (error.code === 'text_too_long') return t('j_long');
  if (error.status === 507) return t('j_full');
  if (error.code === 'passage_damaged') return t('j_damaged', { n: Number(/\d+/.exec(error.param)) + 1 });
  const { title, values, raw } = explain(error, situation);
  return [t(title, values), raw].filter(Boolean).join(': ');
}

export const nameOf = (job) => job.title || t('j_untitled');

/** How far it is, in words. */
export function lineOf(job) {
  const part = t('j_part', { p: Math.floor((100 * job.passages_done) / Math.max(1, job.passages_total)) });
  if (job.state === 'done') return [clock(job.audio_s), ago(job.changed_at * 1000), job.passages_flawed ? t('j_flawed', { n: job.passages_flawed }) : ''].filter(Boolean).join(' · ');
  if (job.state === 'running') return [part, leftOf(job)].filter(Boolean).join(' · ');
  return [t(`j_${job.state}`), part, job.reason].filter(Boolean).join(' · ');
}

function leftOf({ seconds_left }) {
  if (seconds_left === null || seconds_left === undefined) return '';
  return seconds_left < 60 ? t('j_left_s', { n: Math.ceil(seconds_left) }) : t('j_left_m', { n: number(Math.ceil(seconds_left / 60), 0) });
}

function liveRow(job) {
  const text = nameOf(job).slice(0, TITLE_CHARS), ended = job.state === 'cancelled' || job.state === 'failed';
  const button = (action, drawing, label, kind = 'icon') => {
    const b = el('button', { class: kind, 'data-do': action }, icon(drawing));
    name(b, t(label, { text }));
    return b;
  };
  const play = button('play', 'play', 'h_play', 'round'), bar = job.state === 'done' ? null : el('progress', { max: Math.max(1, job.passages_total), 'aria-label': text });
  play.disabled = !canBeHeard(job);
  const go = job.state === 'done' ? null : ended ? button('resume', 'say', 'j_resume') : button('cancel', 'pause', 'j_rest');
  const ops = el('div', { class: 'ops' }, go, button('open', 'file', 'h_reuse_x'), button('delete', 'trash', 'h_delete_x'));
  return el('li', { class: 'h', 'data-id': job.id }, play, el('p', {}, nameOf(job)), el('small'), ops, bar);
}

function goneRow(job) {
  return el('li', { class: 'h gone', 'data-id': job.id }, el('p', {}, t('h_deleted')), el('button', { class: 'link', 'data-do': 'undo' }, t('undo')));
}
