// The document: its passages, each with its voice and its speech, and what has become of it. Knows no page, no storage, no sound.
import { continued, passages, speakers } from './passages.js';

/** A passage is one of passages.js with: voice (its own, or null for that of its speaker or the document), job (its speech, or
 * null), earlier (the speech before that, or null). */
export class Script {
  /** settings(): fields of a request that hold for the whole document. */
  constructor(settings) {
    Object.assign(this, { settings, max: Infinity, names: new Map(), lexicon: new Map(), jobs: new Map() });
    this.renew();
  }

  /** Another document begins. */
  renew(id = `${Date.now()}-${Math.random().toString(36).slice(2)}`) {
    Object.assign(this, { id, name: '', text: '', passages: [] });
    this.names.clear(); // speaker -> voice
    this.lexicon.clear(); // word -> how it is said
    this.jobs.clear(); // by request: writing something back brings its speech back
  }

  /** The text is this now. Passages that did not change keep what they have. */
  write(text) {
    const before = this.passages, now = passages(text, this.max, this.speakers(text)), from = continued(before, now);
    this.text = text;
    this.passages = now.map((passage, i) => (from[i] < 0 ? { voice: null, job: null, earlier: null, ...passage } : Object.assign(before[from[i]], passage)));
    this.recallAll();
  }

  /** What is asked of the server for a passage. */
  request(passage, settings = this.settings()) {
    const voice = passage.voice ?? this.names.get(passage.speaker);
    const said = [...this.lexicon].filter(([word]) => passage.text.includes(word)); // the others stay as they are
    return { ...settings, ...(voice ? { voice } : {}), ...(said.length ? { lexicon: Object.fromEntries(said) } : {}), text: passage.text };
  }

  /** none, waiting, making, made, stale (something else was made), part, failed. */
  state(passage, settings = this.settings()) {
    const { job } = passage;
    if (!job) return 'none';
    if (job.running) return job.state === 'waiting' ? 'waiting' : 'making';
    if (!alike(job.request, this.request(passage, settings))) return job.tape.length ? 'stale' : 'none';
    if (job.state === 'complete') return 'made';
    return job.tape.length ? 'part' : job.state === 'failed' ? 'failed' : 'none';
  }

  /** Passages that are not as they are written; those in which there is nothing to say need not be made. */
  get lacking() {
    const { states } = this;
    return this.passages.filter(({ job }, i) => !['made', 'waiting', 'making'].includes(states[i]) && !(states[i] === 'failed' && job.error?.code === 'nothing_to_say'));
  }

  /** The state of each passage. */
  get states() {
    const settings = this.settings();
    return this.passages.map((passage) => this.state(passage, settings));
  }

  /** This is the passage's speech from now on. */
  give(passage, job) {
    if (passage.job?.tape.length && passage.job !== job) passage.earlier = passage.job;
    passage.job = job;
    this.jobs.set(key(job.request), job);
  }

  /** The speech before the last one, and back. */
  swap(passage) { [passage.job, passage.earlier] = [passage.earlier, passage.job]; }

  /** What was made instead came to nothing: the speech before stays. */
  keep(passage) {
    [passage.job, passage.earlier] = [passage.earlier, null];
    this.jobs.set(key(passage.job.request), passage.job);
  }

  /** All speech that belongs to the document. */
  get spoken() { return [...new Set(this.passages.flatMap(({ job, earlier }) => [job, earlier]).filter((job) => job?.tape.length))]; }

  // -- inside --------------------------------------------------------------------------------------------------------

  /** The names that are not spoken: once one has a voice, those of the others begin their lines, too, in the document's voice. */
  speakers(text) { return this.names.size ? new Set([...this.names.keys(), ...speakers(text)]) : this.names; }

  /** Look for speech of what has changed; of all passages if that may be there which was not when they were last looked at. */
  recallAll() {
    const settings = this.settings(), asked = JSON.stringify([this.jobs.size, settings, [...this.names], [...this.lexicon]]);
    const all = asked !== this.asked || this.jobs !== this.searched;
    Object.assign(this, { asked, searched: this.jobs });
    if (!this.jobs.size) return;
    for (const passage of this.passages) if (all || passage.text !== passage.looked?.text || passage.voice !== passage.looked.voice) this.recall(passage, settings);
  }

  /** A text that was spoken before, just so, has its speech again. */
  recall(passage, settings) {
    passage.looked = { text: passage.text, voice: passage.voice };
    const request = this.request(passage, settings);
    if (passage.job && alike(passage.job.request, request)) return;
    const found = this.jobs.get(key(request));
    if (found) this.give(passage, found);
  }
}

const key = (request) => JSON.stringify(Object.entries(request).filter(([, value]) => value !== undefined).sort());

const alike = (a, b) => within(a, b) && within(b, a);

/** Every field of a is the same in b. */
function within(a, b) {
  for (const name in a) if (a[name] !== b[name] && !(name === 'lexicon' && JSON.stringify(a[name]) === JSON.stringify(b[name]))) return false;
  return true;
}
