// Text, main button, dock: joins the document, what makes it and the player to what is seen.
import { $, alarm, announce } from './dom.js';
import { explain } from './errors.js';
import { Face } from './face.js';
import { onLanguage, t } from './i18n.js';
import { Job } from './job.js';
import { Maker } from './maker.js';
import { errorMessage, soundNotice } from './messages.js';
import { Monitor } from './monitor.js';
import { Player } from './player.js';
import { Script } from './script.js';
import { Sheet } from './sheet.js';
import { estimate, TextBox } from './text.js';
import { Track } from './track.js';
import { Transport } from './transport.js';

/** Events: 'begun' and 'over' of a making (detail: the track), 'fresh' before one that keeps nothing of what was made,
 * 'refused' (detail: the explained error), 'ask' (for the lists), 'leaving' (all is about to be deleted), 'written' (the text
 * is another). */
export class Stage extends EventTarget {
  /** settings(): fields of a request. voiceName(id). situation(): what errors.js wants to know. atOnce(): how many passages. */
  constructor({ settings, voiceName, situation, atOnce, askForKey }) {
    super();
    Object.assign(this, { settings, situation });
    this.player = new Player();
    this.text = new TextBox();
    this.script = new Script(settings);
    this.maker = new Maker(atOnce);
    this.sheet = new Sheet((passage) => voiceName(passage.voice ?? this.script.names.get(passage.speaker)));
    this.transport = new Transport(this.player, (step) => this.sentence(step));
    this.face = new Face(this, new Monitor({ retry: () => this.retry(), key: askForKey, now: () => this.maker.retry() }));
    this.job = null; // the track that is heard
    this.problem = null; // an ApiError outside of a job: no key, no server
    this.player.addEventListener('state', () => this.playerChanged());
    this.text.addEventListener('input', () => this.written());
    $('b-go').addEventListener('click', (event) => { if (event.detail < 2) this.press(); }); // a double click is one press
    $('text').addEventListener('click', () => this.clicked());
    document.addEventListener('visibilitychange', () => this.move());
    this.written();
    onLanguage(() => { this.face.view = ''; this.render(); });
  }

  // -- what can be done ----------------------------------------------------------------------------------------------

  /** The main button. */
  press() { if (this.stops) this.stop(); else this.speak(); }

  /** It stops what goes; but if something is written that was not made, it makes it. */
  get stops() { return this.maker.running || (this.goes && !this.job.kept && !this.script.lacking.length); }

  /** There is something to stop. */
  get goes() { return this.maker.running || ['speaking', 'waiting', 'blocked'].includes(this.face.view); }

  /** Speak these passages, else what is not made, else all. Call inside a click or key handler: sound may only begin there. */
  speak(passages = null) {
    const { script } = this, under = passages ? script.passages.filter((p) => p.job?.running && !passages.includes(p)) : [];
    if (this.maker.running) this.stop(); // first: it holds the sound back
    this.player.unlock();
    if (this.text.blank) { this.complain('e_blank'); return; }
    this.problem = null;
    const wanted = passages ? [...passages, ...under] : script.lacking.length ? script.lacking : script.passages;
    if (script.passages.every((p) => wanted.includes(p) && script.state(p) !== 'part')) this.tell('fresh');
    const jobs = wanted.map((passage) => this.jobFor(passage));
    const track = this.trackOf(wanted[0]);
    this.show(track);
    this.player.begin(track.tape, track.tape.startOf(track.first) + jobs[0].fromS);
    this.tell('begun', track);
    this.maker.make(jobs).then(() => this.over(track));
  }

  /** Hear the document from there on; what is not made is made. Call inside a click or key handler. */
  hear(passage) {
    const { script } = this, at = script.passages.indexOf(passage);
    if (!passage.job?.tape.length) { this.speak([passage, ...script.lacking.filter((p) => script.passages.indexOf(p) > at)]); return; }
    if (!this.reaches(passage)) this.show(this.trackOf(passage));
    const begin = this.job.tape.startOf(this.partOf(passage));
    this.player.unlock();
    if (this.player.tape === this.job.tape) { this.player.wanted = true; this.player.seek(begin); } else this.player.begin(this.job.tape, begin);
    this.move();
  }

  /** The passage's place in the track, or -1. */
  partOf(passage) { return this.job?.parts.findIndex((part) => part.passage === passage && part.job === passage.job) ?? -1; }

  /** It is in the track, and nothing before it is still being made. */
  reaches(passage) {
    const at = this.partOf(passage);
    return at >= 0 && this.job.parts.slice(0, at).every(({ job }) => job.tape.closed);
  }

  /** What failed, once more. */
  retry() { if (this.problem) this.tell('ask'); else this.speak(); }

  /** Enough. What has arrived is kept. */
  stop() {
    this.maker.stop();
    this.player.pause();
    announce(t('sr_stopped'));
  }

  /** Play speech that was kept; what is written stays as it is. */
  replay(track) {
    if (this.maker.running) this.stop();
    this.player.unlock(track.tape.rate);
    this.show(track);
    this.player.begin(track.tape);
  }

  /** Have the document's own speech at hand, in silence: after a reload. */
  ready() {
    this.script.write(this.text.value);
    if (this.script.spoken.length && !this.job) { this.show(this.trackOf(null)); this.player.show(this.job.tape); }
    this.written();
  }

  sentence(step) {
    const to = this.job?.tape.length ? this.job.sentence(this.player.position, step) : null;
    if (to !== null) this.player.seek(to);
    this.move();
  }

  /** Something outside of a job is wrong (no key, no server), or no longer. */
  trouble(error) {
    this.problem = error;
    if (!error && this.job?.error && !this.job.running && !this.job.sounds) this.forget();
    if (error && !this.job?.running) this.shout(error);
    this.render();
  }

  /** What failed before there was sound is over: what the document has stays at hand. */
  forget() {
    this.job = null;
    this.player.cut();
    this.ready();
  }

  // -- what happens --------------------------------------------------------------------------------------------------

  /** The speech to make of a passage: one that broke off goes on. */
  jobFor(passage) {
    const { script } = this;
    if (script.state(passage) === 'part') { passage.job.rewind(); return passage.job; }
    const job = new Job(script.request(passage));
    job.written = script.text.slice(passage.from, passage.to);
    script.give(passage, job);
    return job;
  }

  /** All of the document that is made or will be. first: the passage that is heard first; what is before it is not waited for. */
  trackOf(first) {
    const { passages } = this.script, at = passages.indexOf(first);
    const parts = passages.filter(({ job }, i) => job && (job.running ? i >= at : job.tape.length))
      .map((passage) => ({ passage, job: passage.job, gap: passage.gap, from: passage.from + passage.skip, title: passage.title }));
    return new Track(parts, { text: this.script.text, first: Math.max(0, parts.findIndex((p) => p.passage === first)), estimate });
  }

  show(track) {
    this.job = track;
    track.firstSoundS = null;
    track.addEventListener('change', () => this.jobChanged(track));
    track.addEventListener('audio', () => { if (track === this.job) this.player.push(); });
    track.addEventListener('progress', () => this.progressed(track));
    this.sheet.clear();
    this.sheet.setFollowing(true);
    this.face.view = '';
    this.render();
    this.move();
  }

  written() {
    if (this.text.blank && this.script.spoken.length) this.tell('leaving');
    this.script.write(this.text.value);
    this.sheet.render(this.script.text, this.script.passages);
    this.tell('written');
    this.render();
  }

  jobChanged(track) {
    if (track !== this.job) return;
    this.player.push();
    this.sheet.stale();
    this.render();
    this.move();
  }

  progressed(track) {
    if (track !== this.job) return;
    if (track.pace) this.player.expect(track.pace, track.expected);
    this.face.progressed();
  }

  over(track) {
    for (const { passage, job } of track.parts) if (job.state === 'failed' && !job.tape.length && passage.job === job && passage.earlier) this.script.keep(passage);
    if (track === this.job && track.state === 'failed') this.failed(track);
    this.tell('over', track);
    this.render();
  }

  failed(track) {
    if (track.sounds) { const n = soundNotice(this.face.view, track, false); alarm(`${n.title}. ${n.body}`); return; }
    const found = explain(track.error, this.situation());
    if (found.place === 'text') { this.job = null; this.complain(found.title, found.values); }
    else if (found.place !== 'monitor' && found.place !== 'key') this.job = null;
    else this.shout(track.error);
    this.tell('refused', found);
  }

  playerChanged() {
    const { job, player } = this;
    if (player.state === 'playing' && job && job.firstSoundS === null && !job.kept) {
      job.firstSoundS = (performance.now() - job.begunAt) / 1000 + Math.max(0, player.startedAt - player.heardUntil());
    }
    this.render();
    this.move();
  }

  /** A click on a word of the text goes there; what is over stays silent. */
  clicked() {
    const { job, player } = this, box = $('text');
    if (!job?.tape.length || job.kept || box.selectionStart !== box.selectionEnd) return;
    const seconds = this.sheet.timeAt(job, box.selectionStart);
    if (seconds !== null && seconds < job.tape.seconds) player.seek(seconds, player.state === 'ended');
    this.move();
  }

  render() { this.face.render(); }

  move() { this.face.move(); }

  complain(key, values = {}) {
    this.text.complain(() => t(key, values));
    alarm($('text-note').textContent);
  }

  shout(error) {
    const m = errorMessage(error, this.situation());
    alarm(`${m.title}. ${m.body}`);
  }

  tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }
}
