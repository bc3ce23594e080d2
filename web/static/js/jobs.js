// Jobs of the service: long texts that it speaks while no page waits. What they are and what can be asked of them. Knows no element.
import { ask, askJson } from './api.js';
import { events } from './sse.js';

const LOOK_MS = 2000; // while several are under way, or one that cannot be followed
const CALM_MS = 10_000; // while the only one is followed: what holds its news back goes unseen
const MOST = 100; // of the newest are listed
const ACTIVE = new Set(['queued', 'running', 'paused']);
const isActive = ({ state }) => ACTIVE.has(state);

/** Events: 'change'. */
export class ServerJobs extends EventTarget {
  constructor() {
    super();
    Object.assign(this, { list: [], available: null, following: null }); // available: the service takes jobs; null: not known yet
    document.addEventListener('visibilitychange', () => { if (document.hidden) this.following?.abort(); else if (this.active) this.look(); });
  }

  get active() { return this.list.some(isActive); }

  of(id) { return this.list.find((job) => job.id === id); }

  /** Whether the service takes jobs: what it said, or asked now. */
  async takesJobs() {
    if (this.available === null) await this.look();
    return this.available;
  }

  /** Ask now, and follow what is under way for as long as the page is in sight. */
  async look() {
    clearTimeout(this.timer);
    if (document.hidden) return;
    try {
      const { jobs } = await askJson(`api/jobs?limit=${MOST}`);
      this.list = await Promise.all(jobs.map((job) => (job.state === 'running' ? askJson(`api/jobs/${job.id}`) : job)));
      this.available = true;
    } catch (error) {
      if (error.status) this.available = false; // else it is only out of reach
    }
    if (!this.following) this.follow();
    this.lookLater();
    this.dispatchEvent(new Event('change'));
  }

  /** Give the service a document. fields: of POST api/jobs. */
  add(fields) { return this.tell(ask('api/jobs', { method: 'POST', json: fields })); }

  /** Give it a file, which it reads itself. fields: how it is said. */
  addFile(file, fields) {
    const body = new FormData();
    body.append('file', file);
    for (const [name, value] of Object.entries(fields)) if (value !== undefined) body.append(name, value);
    return this.tell(ask('api/jobs', { method: 'POST', body }));
  }

  /** One with its chapters. */
  job(id) { return askJson(`api/jobs/${id}`); }

  passages(id, limit, offset) { return askJson(`api/jobs/${id}/passages?limit=${limit}&offset=${offset}`); }

  /** what: 'cancel' or 'resume'. */
  act(id, what) { return this.tell(ask(`api/jobs/${id}/${what}`, { method: 'POST' })); }

  /** change: of POST api/jobs/ID/passages/N. */
  again(id, number, change) { return this.tell(ask(`api/jobs/${id}/passages/${number}`, { method: 'POST', json: change })); }

  remove(id) {
    this.list = this.list.filter((job) => job.id !== id);
    return this.tell(ask(`api/jobs/${id}`, { method: 'DELETE' }));
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  lookLater() {
    clearTimeout(this.timer);
    const count = this.list.filter(isActive).length;
    if (count) this.timer = setTimeout(() => this.look(), count === 1 && this.following ? CALM_MS : LOOK_MS);
  }

  /** The first that is under way tells what becomes of it. Only one: a browser has few connections to a server. */
  async follow() {
    const job = this.list.find(isActive);
    if (!job) return;
    this.following = new AbortController();
    try {
      const { body } = await ask(`api/jobs/${job.id}/events`, { signal: this.following.signal });
      for await (const { name, data } of events(body)) if (name === 'state') this.know(data);
    } catch { /* refused, lost or left: it is asked for like the others */ }
    this.following = null;
    this.lookLater();
  }

  /** A job is like this now. */
  know(job) {
    this.list = this.list.map((old) => (old.id === job.id ? job : old));
    this.dispatchEvent(new Event('change'));
  }

  async tell(asked) {
    try { await asked; } finally { await this.look(); }
  }
}

/** All of that chapter is made. */
export const isWhole = (chapter) => chapter.passages_total > 0 && chapter.passages_done === chapter.passages_total;

/** The document as a job: titles begin chapters, each paragraph has its voice. format: of the file. */
export function jobOf(script, title, format) {
  const { text, lexicon, ...settings } = script.settings(), chapters = [];
  for (const passage of script.passages) {
    const { voice, text: said } = script.request(passage);
    if (passage.title) chapters.push({ title: said, paragraphs: [] });
    else {
      if (!chapters.length) chapters.push({ title: '', paragraphs: [] });
      chapters.at(-1).paragraphs.push({ text: said, ...(voice && voice !== settings.voice ? { voice } : {}) });
    }
  }
  return { ...settings, title, format, chapters, ...(script.lexicon.size ? { lexicon: Object.fromEntries(script.lexicon) } : {}) };
}
