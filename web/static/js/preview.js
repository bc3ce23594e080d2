// Hear a voice by one click: a short sentence spoken by the service itself, kept until the tab closes.
import { Job } from './job.js';
import { Player } from './player.js';

const SENTENCES = {
  en: 'Hello! This is how I sound when I read your text.',
  fr: 'Bonjour ! Voici comment je lis votre texte.',
};

/** Events: 'change' (which voice: `voice`, or null), 'failed' (detail: an ApiError). */
export class Preview extends EventTarget {
  constructor() {
    super();
    this.player = new Player();
    this.kept = new Map(); // voice id -> tape
    this.voice = null;
    this.job = null;
    this.player.addEventListener('state', () => { if (this.player.state === 'ended') this.become(null); });
  }

  /** What the preview waits for, if it does: its job, in the queue or while the model loads. */
  get waits() { return ['asking', 'queued', 'loading'].includes(this.job?.state) ? this.job : null; }

  /** Play it, or stop it if it plays. Call inside a click or key handler. */
  toggle(voice, volume) {
    const same = this.voice?.id === voice.id;
    this.stop();
    if (same) return;
    this.player.unlock();
    this.player.setVolume(volume);
    this.become(voice);
    const tape = this.kept.get(voice.id);
    if (tape) this.player.begin(tape); else this.ask(voice);
  }

  stop() {
    this.job?.stop();
    this.job = null;
    this.player.pause();
    this.become(null);
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  async ask(voice) {
    const job = new Job({ text: SENTENCES[voice.language] ?? SENTENCES.en, voice: voice.id });
    this.job = job;
    job.addEventListener('audio', () => this.player.push());
    job.addEventListener('change', () => { if (this.job === job) this.dispatchEvent(new Event('change')); });
    this.player.begin(job.tape);
    await job.run();
    if (job.state === 'complete') this.kept.set(voice.id, job.tape);
    if (this.job !== job) return;
    this.player.push();
    if (job.state === 'failed') {
      this.stop();
      this.dispatchEvent(new CustomEvent('failed', { detail: job.error }));
    }
  }

  become(voice) {
    if (voice === this.voice) return;
    this.voice = voice;
    this.dispatchEvent(new Event('change'));
  }
}
