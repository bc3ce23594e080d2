// Jobs of the service: long texts that it speaks while no page waits. What they are and what can be asked of them. Knows no element.
import { ask, askJson } from './api.js';

const LOOK_MS = 2000; // while one is under way
const MOST = 100; // of the newest are listed
const ACTIVE = new Set(['queued', 'running', 'paused']);

/** Events: 'change'. */
export class ServerJobs extends EventTarget {
  constructor() {
    super();
    Object.assign(this, { list: [], available: false }); // available: the service takes jobs
    document.addEventListener('visibilitychange', () => { if (this.active) this.look(); });
  }

  get active() { return this.list.some((job) => ACTIVE.has(job.state)); }

  of(id) { return this.list.find((job) => job.id === id); }

  /** Ask now, and again for as long as one is under way and the page is in sight. */
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
    if (this.active) this.timer = setTimeout(() => this.look(), LOOK_MS);
    this.dispatchEvent(new Event('change'));
  }

  /** Give the service a document. body: of POST api/jobs. */
  async add(body) {
    await askJson('api/jobs', { method: 'POST', json: body });
    await this.look();
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
