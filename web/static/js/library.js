// Keeps the document and its speech as they come, and brings them back: after a reload, a crash, from the history. Knows no element.
import { settled } from './dom.js';
import { jobOf } from './job.js';
import * as prefs from './prefs.js';
import { openStore } from './store.js';
import { again, lastDoc, remember, share } from './tabs.js';
import { Track } from './track.js';

const EACH_S = 2; // of audio: what a crash may cost
const SAVE_MS = 300;
const LIMIT_BYTES = 500e6; // beyond it one is asked what may go

/** Events: 'change' (what is kept is another). */
export class Library extends EventTarget {
  /** script: the document that is written. describe(): { voices, language } of it as shown, and its settings. */
  constructor(script, describe) {
    super();
    Object.assign(this, { script, describe, store: null, restored: false, unkept: 0, list: [], takes: new Map(), writing: Promise.resolve() });
    this.saveSoon = settled(SAVE_MS, () => this.save());
    this.tabs = share({ current: () => script.id, taken: (id) => { this.shared = id; }, changed: (id) => this.lookAt(id) });
    this.tabs.ask(lastDoc());
    this.ready = openStore().then((store) => { this.store = store; });
  }

  // -- while it is made ----------------------------------------------------------------------------------------------

  /** Keep a speech while it grows. */
  watch(job) {
    if (job.watched) return;
    navigator.storage?.persist?.().catch?.(() => {});
    job.watched = true;
    job.flushed ??= 0;
    job.addEventListener('audio', () => { if (job.tape.length - job.flushed > EACH_S * job.tape.rate) this.flush(job); });
    job.addEventListener('change', () => { if (!job.running) this.flush(job); });
  }

  /** What has come since the last time. After a rewind the pieces are written anew. */
  flush(job) {
    if (job.pending && job.running) return this.writing;
    job.pending = true;
    this.unkept++;
    this.writing = this.writing.then(async () => {
      await this.ready;
      job.pending = false;
      if (!job.tape.length) return;
      if (job.flushed > job.tape.length) { await this.store.removeTake(job.id); job.flushed = job.pieces = 0; }
      const samples = job.tape.samples(job.flushed), piece = job.pieces ?? 0;
      Object.assign(job, { flushed: job.tape.length, pieces: piece + (samples.length ? 1 : 0) });
      const take = takeOf(job);
      await this.store.keepTake(take, piece, samples);
      this.takes.set(job.id, take);
      await this.write();
    }).finally(() => { this.unkept--; });
    return this.writing;
  }

  /** The document as it is now; before anything else that is to be written. */
  save() {
    this.writing = this.writing.then(() => this.write());
    return this.writing;
  }

  async write() {
    await this.ready;
    if (!this.restored) return; // what is in the text box may be another document's still
    const { script } = this;
    const { at, ...doc } = this.docOf(script.text), now = JSON.stringify(doc);
    if (now === this.written) return;
    this.written = now;
    remember(script.id);
    doc.at = at;
    if (doc.takes.length || script.text.trim()) await this.keep(doc); else await this.drop(script.id);
  }

  /** All that was written is about to be deleted: this document stays in the history, and another begins. */
  leave() {
    const { script } = this, doc = this.docOf(script.text);
    this.left = { id: doc.id, name: doc.name, text: doc.text, jobs: script.jobs };
    Object.assign(script, { id: newId(), name: '', jobs: new Map() });
    this.writing = this.writing.then(() => this.keep(doc));
  }

  /** What was deleted was brought back: it is the same document again. */
  back() {
    const { script, left } = this;
    if (!left || script.text !== left.text) return;
    Object.assign(script, { id: left.id, name: left.name, jobs: left.jobs });
    script.write(script.text);
    this.tabs.ask(script.id);
    this.left = null;
  }

  /** What comes next is another document: this one stays in the history as it was spoken. */
  async fresh() {
    const { script } = this;
    if (!script.spoken.length) return;
    const doc = this.docOf(script.passages.map(({ job }) => job?.written).filter(Boolean).join('\n\n'));
    const known = this.list.some(({ id, takes }) => id !== doc.id && doc.takes.every((take) => takes.includes(take))); // of a copy
    Object.assign(script, { id: known ? doc.id : newId(), name: '' });
    if (known) return;
    this.writing = this.writing.then(() => this.keep(doc));
    await this.writing;
  }

  /** Another document begins; this one is in the history. */
  async begin(name) {
    await this.save();
    this.script.renew();
    this.script.name = name;
  }

  // -- bringing back -------------------------------------------------------------------------------------------------

  /** The document of the last visit, with what was made of it; null if there is none. Show its text at once: what is written into
   * the box before that would take its speech from it. */
  async restore() {
    await this.ready;
    for (const take of await this.store.takes()) this.takes.set(take.id, take);
    const last = await this.last(), doc = this.script.passages.some(({ job }) => job) ? null : last; // who is so quick has begun another
    if (doc) await this.open(doc);
    this.restored = true;
    return doc;
  }

  /** A tab that was emptied stays so. A new one whose last document was never kept, nor anything written in it, gets the newest: a
   * browser that was killed may have forgotten which it was, but not the document. */
  async last() {
    const id = lastDoc(), doc = id ? await this.store.doc(id) : null;
    if (doc || again() || (id && this.script.text.trim())) return doc;
    return (await this.store.docs())[0] ?? null;
  }

  /** What is kept is listed, and speech that no document has goes. */
  async settle() {
    await this.look();
    await this.sweep();
  }

  /** This tab is written in: in a document of its own, if another tab has this one. */
  own() {
    if (this.shared === this.script.id) Object.assign(this.script, { id: newId(), name: '' });
    this.shared = null;
  }

  /** Make a kept document the one that is written. */
  async open(doc) {
    const { script } = this, jobs = await this.jobsOf(doc);
    script.renew(doc.id);
    this.tabs.ask(doc.id);
    script.name = doc.name;
    for (const [speaker, voice] of doc.names ?? []) script.names.set(speaker, voice);
    for (const [word, said] of doc.lexicon ?? []) script.lexicon.set(word, said);
    script.write(doc.text);
    script.passages.forEach((passage, i) => {
      const { take, earlier, voice } = doc.passages[i] ?? {};
      passage.voice = voice ?? null;
      if (jobs.has(take)) script.give(passage, jobs.get(take));
      passage.earlier = jobs.get(earlier) ?? null;
    });
  }

  /** What is to be heard of a kept document. */
  async track(doc, title) {
    const jobs = await this.jobsOf(doc), found = doc.passages.map(({ take, gap = 0.6 }) => ({ job: jobs.get(take), gap })).filter(({ job }) => job);
    let at = 0;
    const parts = found.map(({ job, gap }) => { const from = at; at += job.text.length + 2; return { job, gap, from }; });
    return parts.length ? new Track(parts, { text: found.map(({ job }) => job.text).join('\n\n'), kept: title }) : null;
  }

  async jobsOf(doc) {
    const jobs = new Map();
    for (const id of doc.takes) {
      const take = this.takes.get(id) ?? (await this.store.take(id)), samples = take && (await this.store.samples(id));
      if (!samples) continue;
      const job = Object.assign(jobOf(take, samples), { flushed: samples.length, pieces: take.pieces, written: take.written, watched: false });
      jobs.set(id, job);
    }
    return jobs;
  }

  // -- the whole -----------------------------------------------------------------------------------------------------

  /** Bytes of all speech. */
  get bytes() { return [...this.takes.values()].reduce((sum, take) => sum + take.bytes, 0); }

  /** The oldest documents that would have to go; empty while there is room. Nothing goes unasked. */
  get surplus() {
    const limit = prefs.get('limit', LIMIT_BYTES);
    let over = this.bytes - limit;
    if (over <= 0) return [];
    const going = [];
    for (const doc of [...this.list].reverse()) {
      if (over <= -limit / 5 || doc.id === this.script.id) continue;
      going.push(doc);
      over -= doc.takes.reduce((sum, id) => sum + (this.takes.get(id)?.bytes ?? 0), 0);
    }
    return going;
  }

  /** All is to stay: ask again when it is twice as much. */
  keepAll() { prefs.set('limit', 2 * prefs.get('limit', LIMIT_BYTES)); this.tell(); }

  async rename(doc, name) {
    if (doc.id === this.script.id) this.script.name = name;
    await this.keep({ ...doc, name });
  }

  async remove(docs) {
    for (const { id } of docs) {
      if (id === this.script.id) this.script.renew();
      await this.store.removeDoc(id);
      this.tabs.tell(id);
    }
    await this.settle();
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  docOf(text) {
    const { script } = this, passages = script.passages.map(({ job, earlier, voice, gap }) => ({ take: heard(job)?.id, earlier: heard(earlier)?.id, voice, gap }));
    const takes = script.spoken.map((job) => job.id), jobs = script.passages.map(({ job }) => job).filter(heard);
    return {
      id: script.id, at: Date.now(), name: script.name, text, passages, takes, names: [...script.names], lexicon: [...script.lexicon], settings: script.settings(), ...this.describe(),
      seconds: jobs.reduce((sum, job) => sum + job.tape.seconds, 0),
      whole: jobs.length === script.passages.length && jobs.every((job) => job.state === 'complete'), expected: script.passages.reduce((sum, p) => sum + secondsOf(p), 0),
    };
  }

  /** Speech that no document has any more. */
  async sweep() {
    const used = new Set([...this.list.flatMap((doc) => doc.takes), ...this.script.spoken.map((job) => job.id)]);
    for (const id of [...this.takes.keys()]) if (!used.has(id)) { this.takes.delete(id); await this.store.removeTake(id); }
    this.tell();
  }

  /** All that is kept, read anew. */
  async look() {
    this.list = await this.store.docs();
    this.tell();
  }

  /** One document, which another tab has written: the others are as they were. */
  async lookAt(id) {
    await this.ready;
    this.enter(id, await this.store.doc(id));
  }

  async keep(doc) {
    await this.store.keepDoc(doc);
    this.enter(doc.id, doc);
    this.tabs.tell(doc.id);
  }

  async drop(id) {
    await this.store.removeDoc(id);
    this.enter(id, null);
    this.tabs.tell(id);
  }

  /** doc: what is kept by that id now, or null. */
  enter(id, doc) {
    this.list = [...(doc ? [doc] : []), ...this.list.filter((other) => other.id !== id)].sort((a, b) => b.at - a.at);
    this.tell();
  }

  tell() { this.dispatchEvent(new Event('change')); }
}

const newId = () => `${Date.now()}-${Math.random().toString(36).slice(2)}`;

const heard = (job) => (job?.tape.length ? job : null);

const secondsOf = ({ job, text }) => (job?.state === 'complete' ? job.tape.seconds : Math.max(job?.expected ?? 0, text.split(/\s+/).length / 3));

const takeOf = (job) => ({
  id: job.id, at: Date.now(), request: job.request, written: job.written, words: job.words, wordsTotal: job.wordsTotal, rate: job.tape.rate,
  seconds: job.tape.seconds, complete: job.state === 'complete', bytes: job.tape.length * 2, pieces: job.pieces ?? 0,
});
