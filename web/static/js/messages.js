// Which message or notice belongs to a state. Turns numbers into the page's words; knows no element.
import { explain } from './errors.js';
import { number, sentences, t } from './i18n.js';

const GB = 1e9;

/** Of the job while one waits; null once there is sound. */
export function waitingMessage(job) {
  if (job.state === 'queued') return { rank: job.place, icon: 'rank', title: t('m_queued', { n: job.place }), body: t('m_queued_d') };
  if (job.state !== 'loading') return null;
  return { icon: 'chip', part: loadedPart(job.loading), title: t(/download/i.test(job.loading.doing) ? 'loading_weights' : job.loading.total_bytes ? 'm_loading' : 'm_loading_cpu'), body: loadingLine(job.loading) };
}

export const loadedPart = ({ loaded_bytes, total_bytes }) => (total_bytes ? Math.min(1, loaded_bytes / total_bytes) : null);

/** Whole seconds until what is being done is done; null while they cannot be told. */
export const secondsLeft = ({ seconds_left }) => (seconds_left === null ? null : Math.ceil(seconds_left));

export function loadingLine(loading) {
  const { loaded_bytes, total_bytes, seconds } = loading;
  if (!total_bytes) return t('m_loading_s', { s: number(seconds, 0) });
  const bytes = { a: number(loaded_bytes / GB, 1), b: number(total_bytes / GB, 1) }, left = secondsLeft(loading);
  return left === null ? t('m_loading_first', bytes) : t('m_loading_d', { ...bytes, s: left });
}

/** Of an error that does not go away by itself. */
export function errorMessage(error, situation) {
  const e = explain(error, situation);
  const button = { retry: { action: 'retry', label: t('retry') }, key: { action: 'key', label: t('key_enter') } }[e.action];
  return { ...e, title: t(e.title, e.values), body: e.raw ?? (e.body ? t(e.body, e.values) : ''), button, details: e.raw || e.tone === 'warn' ? '' : e.details };
}

/** Of a server that has no room and is asked again by itself. retryIn: seconds until then. */
export function busyMessage(error, situation, retryIn) {
  const e = explain(error, situation), body = sentences(e.body && t(e.body, e.values), t('retrying_in', { n: retryIn }));
  return { ...e, title: t(e.title, e.values), body, button: { action: 'now', label: t('retry_now') }, details: '' };
}

/** What is true while there is sound; null if nothing is to be said. problem: an ApiError outside of the job, or null. */
export function soundNotice(view, job, changed, problem = null) {
  const s = job ? number(job.tape.seconds, 1) : '';
  if (job?.kept) job = null; // nothing of it is made
  if (job?.state === 'failed' && job.sounds) return { tone: 'bad', icon: 'err', title: t(job.error.status ? 'e_cut' : 'e_broken'), body: t('e_broken_d', { s }) };
  if (job && problem?.status === 0) return { tone: 'warn', icon: 'warn', title: t('e_offline'), body: t('e_offline_d') };
  if (view === 'blocked') return { tone: 'warn', icon: 'vol', title: t('m_blocked'), body: t('m_blocked_d') };
  if (job?.running && job.pace !== null && job.pace < 1 && job.tape.seconds > 1) return { icon: 'clock', body: t('m_waiting_d', { x: number(job.pace, 1) }) };
  if (changed) return { icon: 'again', body: t('changed') };
  if (job && view === 'stopped') return { icon: 'stop', body: t('m_stopped', { s }) };
  if (job?.ignored.length && !job.running) return { icon: 'warn', tone: 'warn', body: t('ignored', { fields: job.ignored.join(', ') }) };
  return null;
}
