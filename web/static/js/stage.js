// Text, main button, meters, monitor: joins a job and the player to what is seen.
import { $, alarm, announce, draw, put } from './dom.js';
import { explain } from './errors.js';
import { number, onLanguage, t } from './i18n.js';
import { Job } from './job.js';
import { errorMessage, secondsLeft, soundNotice, waitingMessage } from './messages.js';
import { Monitor } from './monitor.js';
import { Player } from './player.js';
import { Reading } from './reading.js';
import { TextBox } from './text.js';
import { Transport } from './transport.js';
import { TONE, viewOf } from './view.js';

const SOON_MS = 10_000; // how often screen readers are told how loading goes on
const MAC = /Mac|iP(hone|ad)/.test(navigator.platform);

/** Events: 'begun' and 'over' of a job (detail: the job), 'refused' (detail: the explained error), 'ask' (for the lists). */
export class Stage extends EventTarget {
  /** settings(): { voice, language, cfg_coef?, speed? }. situation(): what errors.js wants to know. */
  constructor({ settings, situation, askForKey }) {
    super();
    Object.assign(this, { settings, situation });
    this.player = new Player();
    this.text = new TextBox();
    this.reading = new Reading();
    this.transport = new Transport(this.player);
    this.monitor = new Monitor({ retry: () => this.retry(), key: askForKey });
    this.job = null;
    this.problem = null; // an ApiError outside of a job: no key, no server
    this.readingOpen = false;
    this.view = '';
    this.moving = false; // a frame is asked for
    this.player.addEventListener('state', () => this.playerChanged());
    this.text.addEventListener('input', () => this.render());
    this.text.addEventListener('example', () => this.edit());
    $('b-go').addEventListener('click', (event) => { if (event.detail < 2) this.press(); }); // a double click is one press
    $('b-edit').addEventListener('click', () => this.edit(true));
    $('reading').addEventListener('click', (event) => this.wordClicked(event));
    document.addEventListener('visibilitychange', () => this.move());
    onLanguage(() => { this.view = ''; this.render(); });
  }

  // -- what can be done ----------------------------------------------------------------------------------------------

  /** The main button. */
  press() { if (this.stops) this.stop(); else this.speak(); }

  /** It stops what goes; but who edits the text while the last one still sounds wants to speak. */
  get stops() { return this.goes && (this.job.running || this.readingOpen); }

  /** There is something to stop. */
  get goes() { return Boolean(this.job?.running) || ['speaking', 'waiting', 'blocked'].includes(this.view); }

  /** Speak the text. Call inside a click or key handler: sound may only begin there. */
  speak() {
    this.player.unlock();
    if (this.job?.running) this.stop();
    if (this.text.blank) { this.edit(); this.complain('e_blank'); return; }
    if (this.text.tooLong) { this.edit(); this.text.focus(); alarm($('text-note').textContent); return; }
    const { language, ...settings } = this.settings();
    const job = new Job({ text: this.text.value, ...settings });
    this.problem = null;
    this.show(job, language);
    this.player.begin(job.tape);
    this.tell('begun', job);
    job.run().then(() => this.over(job));
  }

  /** What failed, once more. */
  retry() { if (this.problem) this.tell('ask'); else this.speak(); }

  /** Enough. What has arrived is kept. */
  stop() {
    this.job?.stop();
    this.player.pause();
    if (!this.job?.tape.length) this.edit();
    announce(t('sr_stopped'));
  }

  /** Bring back speech that was kept, and play it. */
  replay(job, language) {
    if (this.job?.running) this.stop();
    this.player.unlock(job.tape.rate);
    this.text.replace(job.text);
    this.show(job, language);
    this.player.begin(job.tape);
  }

  /** Show the text box again. lead: and go to the word last heard. */
  edit(lead = false) {
    if (!this.readingOpen) return;
    const had = document.activeElement === $('reading') || document.activeElement === $('b-edit');
    const offset = this.reading.offset();
    this.readingOpen = false;
    this.render();
    if (lead || had) this.text.focus(offset);
  }

  /** Something outside of a job is wrong (no key, no server), or no longer. */
  trouble(error) {
    this.problem = error;
    if (!error && this.job?.error && !this.job.tape.length) this.job = null;
    if (error && !this.job?.running) this.shout(error);
    this.render();
  }

  // -- what happens --------------------------------------------------------------------------------------------------

  show(job, language) {
    this.job = job;
    this.reading.open(job, language);
    this.readingOpen = true;
    job.firstSoundS = null;
    job.addEventListener('change', () => this.jobChanged(job));
    job.addEventListener('audio', () => { if (job === this.job) this.player.push(); });
    job.addEventListener('word', () => { if (job === this.job) this.reading.place(job.words.at(-1)); });
    job.addEventListener('progress', () => this.progressed(job));
    const focused = document.activeElement === $('text');
    this.view = '';
    this.render();
    if (focused) $('reading').focus({ preventScroll: true }); // the focus never stays on something hidden
    this.move();
  }

  jobChanged(job) {
    if (job !== this.job) return;
    if (!job.running) this.player.push();
    this.render();
    this.move();
  }

  progressed(job) {
    if (job !== this.job) return;
    if (job.pace) this.player.expect(job.pace, job.expected);
    this.renderMeters();
    this.renderMonitor();
  }

  over(job) {
    if (job === this.job && job.state === 'failed') this.failed(job);
    this.tell('over', job);
  }

  failed(job) {
    if (job.tape.length) { const n = soundNotice(this.view, job, false); alarm(`${n.title}. ${n.body}`); return; }
    const found = explain(job.error, this.situation());
    this.edit(); // the text is what one wants to see now
    this.waitForRetry(job.error.retryAfterS);
    if (found.place === 'text') { this.job = null; this.complain(found.title, found.values); }
    else if (found.place !== 'monitor' && found.place !== 'key') this.job = null;
    else this.shout(job.error);
    this.tell('refused', found);
    this.render();
  }

  playerChanged() {
    const { job, player } = this;
    if (player.state === 'playing' && job && job.firstSoundS === null && !job.fromHistory) {
      job.firstSoundS = (performance.now() - job.begunAt) / 1000 + Math.max(0, player.startedAt - player.heardUntil());
    }
    this.render();
    this.move();
  }

  wordClicked(event) {
    const seconds = event.target.closest('.w') && this.reading.timeOf(event.target.closest('.w'));
    if (seconds !== null && seconds !== undefined && seconds < this.job.tape.seconds) { this.player.seek(seconds); this.move(); }
  }

  // -- what is seen --------------------------------------------------------------------------------------------------

  /** Draw frames for as long as something moves and somebody can see it. */
  move() {
    if (this.moving || document.hidden) return;
    this.moving = true;
    requestAnimationFrame(() => {
      this.moving = false;
      this.frame();
      if (this.player.state === 'playing' || this.job?.running) this.move();
    });
  }

  frame() {
    const tape = this.job?.tape ?? null, position = tape ? this.player.position : 0;
    if (this.readingOpen) this.reading.show(position, tape?.seconds ?? 0, this.player.state === 'ended');
    this.transport.show(tape, this.job?.expected ?? 0, position, this.reading.word());
    if (this.job?.running) this.renderMeters();
  }

  /** What depends on the state. */
  render() {
    const view = viewOf(this.job, this.player, !this.text.blank), before = this.view;
    this.view = view;
    this.renderText();
    this.renderButton(view);
    this.renderMeters();
    this.renderMonitor();
    this.transport.showState(view);
    $('state').dataset.tone = TONE[view] ?? '';
    put($('state-text'), view === 'empty' ? t('m_empty') : t(`st_${view}`));
    $('b-dl').disabled = !this.job?.tape.length;
    if (view !== before) this.entered(view, before);
    this.move();
  }

  renderText() {
    const open = this.readingOpen;
    $('text').hidden = $('examples').hidden = open;
    $('reading').hidden = !open;
    $('b-edit').hidden = !open || this.job.running;
    $('count').hidden = $('b-clear').parentElement.hidden = false;
    if (open) { $('b-clear').hidden = $('b-undo').hidden = true; $('text-note').hidden = true; } else { this.text.render(); $('b-follow').hidden = true; }
  }

  renderButton(view) {
    const running = this.stops, button = $('b-go'), heard = this.job && this.readingOpen;
    const label = !running ? (heard ? 'again' : 'generate') : this.job.tape.length ? 'stop' : 'cancel';
    button.dataset.mode = running ? 'stop' : 'go';
    button.setAttribute('aria-disabled', String(view === 'empty'));
    draw(button.firstElementChild, running ? 'stop' : 'say');
    put($('go-text'), t(label));
    put($('go-key'), running ? 'Esc' : MAC ? '⌘ ⏎' : 'Ctrl ⏎');
  }

  renderMeters() {
    const { job } = this, some = job && job.tape.length > 0;
    $('meters').toggleAttribute('data-on', Boolean(some));
    const set = (id, text) => { put($(id), text ?? '–'); $(id).classList.toggle('none', !text); };
    set('v-words', some && job.wordsTotal ? t('words_v', { n: Math.min(job.wordsDone, job.wordsTotal), m: job.wordsTotal }) : null);
    set('v-audio', some ? t('sec_v', { s: number(job.tape.seconds, 1) }) : null);
    set('v-pace', some && job.pace ? t('rtf_v', { x: number(job.pace, job.pace < 10 ? 1 : 0) }) : null);
    set('v-first', some && job.firstSoundS ? t('sec_v', { s: number(job.firstSoundS, 2) }) : null);
  }

  renderMonitor() {
    const { job, view } = this;
    let message = job?.running ? waitingMessage(job) : null;
    const error = view === 'error' ? job.error : job?.running || job?.tape.length ? null : this.problem;
    if (error) message = errorMessage(error, this.situation(), this.retryIn());
    this.monitor.message(message);
    this.monitor.notice(message ? null : soundNotice(view, job, this.changed(), this.problem));
  }

  /** Settings are no longer those of what is heard. */
  changed() {
    if (!this.job || this.job.running || !this.readingOpen || this.job.fromHistory) return false;
    const { language: _, ...now } = this.settings(), { text: __, ...then } = this.job.request;
    return Object.keys({ ...now, ...then }).some((key) => now[key] !== then[key]);
  }

  /** Once for each new state: tell those who do not see it. */
  entered(view, before) {
    const { job } = this;
    if (view === 'queued') announce(t('m_queued', { n: job.place }));
    if (view === 'loading') this.announceLoading(job);
    if (view === 'speaking' && before !== 'waiting' && before !== '') announce(t('sr_started'));
    if (view === 'waiting') announce(t('m_waiting'));
    if (view === 'done' && before !== '') announce(t('sr_done', { s: number(job.tape.seconds, 0) }));
  }

  announceLoading(job) {
    if (job !== this.job || job.state !== 'loading') return;
    const s = secondsLeft(job.loading);
    announce(s === null ? t('st_loading') : t('sr_loading', { s }));
    setTimeout(() => this.announceLoading(job), SOON_MS);
  }

  complain(key, values = {}) {
    this.text.complain(() => t(key, { max: this.text.maxChars, n: this.text.tooLong, ...values }));
    alarm($('text-note').textContent);
  }

  shout(error) {
    const m = errorMessage(error, this.situation(), 0);
    alarm(`${m.title}. ${m.body}`);
  }

  // -- trying again --------------------------------------------------------------------------------------------------

  waitForRetry(seconds) {
    this.retryAt = performance.now() + (seconds ?? 0) * 1000;
    clearInterval(this.retryTimer);
    if (seconds) this.retryTimer = setInterval(() => { this.renderMonitor(); if (!this.retryIn()) clearInterval(this.retryTimer); }, 1000);
  }

  retryIn() { return Math.max(0, Math.ceil(((this.retryAt ?? 0) - performance.now()) / 1000)); }

  tell(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }
}
