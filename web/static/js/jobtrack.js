// What is heard of a job of the service: its chapters that are whole, fetched one after the other while they are played.
import { ask, askJson } from './api.js';
import { Job } from './job.js';
import { isWhole } from './jobs.js';
import { Tape } from './tape.js';
import { Track } from './track.js';

const AHEAD_S = 300; // so much is at hand before the next chapter is fetched
const LOOK_MS = 1000; // how often that is looked at

/** A chapter as a Job that asks for nothing to be made. */
class Chapter extends Job {
  constructor(address, { number, audio_s: seconds }, rate) {
    super({ text: '' });
    Object.assign(this, { address, number, whole: seconds, wordsTotal: 1, tape: new Tape(rate) });
  }

  get expected() { return this.whole; }

  /** The samples as they come. mine(): somebody still listens. */
  async fetch(mine) {
    this.become('asking');
    try {
      await this.captions();
      await this.samples(mine);
      this.end('complete');
    } catch (error) {
      if (mine()) this.fail(error); else this.end('stopped');
    }
  }

  async samples(mine) {
    const { body } = await ask(`${this.address}/audio?format=pcm&chapter=${this.number}`), reader = body.getReader();
    let odd = new Uint8Array();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      if (!mine()) { reader.cancel(); throw new Error('given up'); }
      const bytes = new Uint8Array(odd.length + piece.value.length);
      bytes.set(odd);
      bytes.set(piece.value, odd.length);
      odd = bytes.slice(bytes.length & ~1);
      this.take(new Int16Array(bytes.buffer, 0, bytes.length >> 1));
    }
  }

  /** The words with their times; the text is what they say. */
  async captions() {
    const { cues } = await askJson(`${this.address}/captions?format=json&chapter=${this.number}`);
    for (const { word, start_s, stop_s } of cues.flatMap((cue) => cue.words)) {
      const from = this.text.length + (this.text ? 1 : 0);
      this.text += `${this.text ? ' ' : ''}${word}`;
      this.words.push({ index: this.words.length, from, to: this.text.length, start_s, stop_s });
    }
    this.wordsDone = this.wordsTotal = this.words.length || 1;
  }

  take(samples) {
    this.tape.append(samples);
    if (this.state !== 'speaking') this.become('speaking');
    this.tell('audio');
  }

  end(state) { this.tape.close(); this.become(state); }
}

/** From that chapter on; null while nothing of it is whole. job: with its chapters. rate: Hz of the engine. */
export function trackOfJob(job, rate, from = 0) {
  const chapters = job.chapters.filter((chapter) => chapter.number >= from), end = chapters.findIndex((chapter) => !isWhole(chapter));
  const parts = (end < 0 ? chapters : chapters.slice(0, end)).map((chapter) => ({ job: new Chapter(`api/jobs/${job.id}`, chapter, rate), gap: 0, from: 0, title: 1 }));
  return parts.length ? Object.assign(new Track(parts, { text: job.title, kept: job.title || '…' }), { served: true }) : null;
}

/** Fetch its chapters in time. player: plays it. mine(): it is still what is heard. */
export async function load(track, player, mine) {
  for (const job of track.jobs) {
    while (mine() && track.tape.seconds - player.position > AHEAD_S) await new Promise((done) => { setTimeout(done, LOOK_MS); });
    if (!mine()) return;
    await job.fetch(mine);
    if (job.state !== 'complete') return;
  }
}
