// What is seen and told of the stage: button, state, meters, messages, the tab's title. Knows no job of its own.
import { $, alarm, announce, draw, put } from './dom.js';
import { explain } from './errors.js';
import { number, t } from './i18n.js';
import { busyMessage, errorMessage, secondsLeft, soundNotice, waitingMessage } from './messages.js';
import { TONE, viewOf } from './view.js';

const SOON_MS = 10_000; // how often screen readers are told how loading goes on
const MAC = /Mac|iP(hone|ad)/.test(navigator.platform);
const HEARING = new Set(['speaking', 'waiting', 'paused', 'blocked']);
const MARKS = { speaking: '▶', waiting: '▶', paused: '⏸', blocked: '⏸', asking: '…', queued: '…', loading: '…', busy: '…', error: '⚠', broken: '⚠' };

export class Face {
  constructor(stage, monitor) {
    Object.assign(this, { stage, monitor, view: '', moving: false }); // moving: a frame is asked for
  }

  progressed() {
    this.renderMeters();
    this.renderMonitor();
  }

  /** Draw frames for as long as something moves and the tab is in sight. */
  move() {
    if (this.moving || document.hidden) return;
    this.moving = true;
    requestAnimationFrame(() => {
      this.moving = false;
      this.frame();
      if (this.stage.player.state === 'playing' || this.stage.job?.running) this.move();
    });
  }

  frame() {
    const { job, player, sheet } = this.stage, tape = job?.tape ?? null, position = tape ? player.position : 0;
    if (tape?.length && !job.kept && HEARING.has(this.view)) sheet.show(job, position, false);
    else if (tape?.length && !job.kept && player.state === 'ended') sheet.show(job, position, true);
    const word = job?.kept ? '' : sheet.word();
    this.stage.transport.show(tape, job?.expected ?? 0, position, word, job?.marks ?? []);
    put($('now'), job?.kept ? `${job.kept} · ${job.line(position)}` : '');
    if (job?.running) this.renderMeters();
  }

  /** What depends on the state. */
  render() {
    this.states = this.stage.script.states;
    const view = viewOf(this.stage.job, this.stage.player, !this.stage.text.blank), before = this.view;
    this.view = view;
    this.renderButton(view);
    this.renderMeters();
    this.renderMonitor();
    this.stage.sheet.renderStates(this.states);
    this.stage.transport.showState(view);
    $('reading').toggleAttribute('data-live', HEARING.has(view) && !this.stage.job.kept);
    $('now').hidden = !this.stage.job?.kept;
    $('state').dataset.tone = TONE[view] ?? '';
    put($('state-text'), t(view === 'empty' ? 'm_empty' : `st_${view}`));
    this.renderTitle(view);
    $('b-dl').disabled = !this.stage.job?.tape.length || Boolean(this.stage.job.served); // it is saved where it is listed
    if (view !== before) this.entered(view, before);
    this.move();
  }

  /** The tab tells the state, too: one may be in another. */
  renderTitle(view) {
    const told = MARKS[view];
    const title = told ? `${told} ${t(`st_${view}`)} · Kyutai TTS` : t('title');
    if (document.title !== title) document.title = title;
  }

  renderButton(view) {
    const running = this.stage.stops, button = $('b-go');
    button.dataset.mode = running ? 'stop' : 'go';
    button.setAttribute('aria-disabled', String(this.stage.text.blank && !running));
    draw(button.firstElementChild, running ? 'stop' : 'say');
    put($('go-text'), running ? t(this.stage.job?.sounds ? 'stop' : 'cancel') : this.offer());
    put($('go-key'), running ? 'Esc' : MAC ? '⌘ ⏎' : 'Ctrl ⏎');
  }

  /** What a press would do. */
  offer() {
    const { script } = this.stage, { states } = this, lacking = script.lacking.length, made = states.includes('made');
    if (states.includes('part')) return t('go_on');
    if (made && lacking) return t('generate_n', { n: lacking, m: states.length });
    return t(made || script.passages.some((p) => p.job?.tape.length && p.job.text === p.text) ? 'again' : 'generate');
  }

  renderMeters() {
    const { job } = this.stage, some = job && job.tape.length > 0;
    $('meters').toggleAttribute('data-on', Boolean(some));
    const set = (id, text) => { put($(id), text ?? '–'); $(id).classList.toggle('none', !text); };
    set('v-words', some ? t('words_v', { n: Math.min(job.wordsDone, job.wordsTotal), m: job.wordsTotal }) : null);
    set('v-audio', some ? t('sec_v', { s: number(job.tape.seconds, 1) }) : null);
    set('v-pace', some && job.pace ? t('pace_v', { x: number(job.pace, job.pace < 10 ? 1 : 0) }) : null);
    set('v-first', some && job.firstSoundS ? t('sec_v', { s: number(job.firstSoundS, 2) }) : null);
  }

  renderMonitor() {
    const { job, problem } = this.stage, { view } = this;
    let message = job?.running && !job.sounds ? waitingMessage(job) : null;
    const error = view === 'error' ? job.error : job?.running || job?.tape.length ? null : problem;
    if (job?.running && job.open.busy) message = busyMessage(job.open.busy, this.stage.situation(), this.stage.maker.retryIn);
    else if (error) message = errorMessage(error, this.stage.situation());
    this.monitor.message(message);
    this.monitor.notice(message ? null : soundNotice(view, job, this.changed(), problem));
    this.countDown(Boolean(job?.running && job.open.busy));
  }

  /** Settings are no longer those of what is heard. */
  changed() {
    const { job, script } = this.stage;
    return Boolean(job && !job.running && !job.kept && script.passages.some((p, i) => p.job?.text === p.text && this.states[i] === 'stale'));
  }

  /** Once for each new state: tell those who do not see it. */
  entered(view, before) {
    const { job } = this.stage;
    if (view === 'queued') announce(t('m_queued', { n: job.place }));
    if (view === 'busy') alarm(t(explain(job.error, this.stage.situation()).title));
    if (view === 'loading') this.announceLoading(job);
    if (view === 'speaking' && before !== 'waiting' && before !== '') announce(t('sr_started'));
    if (view === 'waiting') announce(t('m_waiting'));
    if (view === 'done' && before !== '') announce(t('sr_done', { s: number(job.tape.seconds, 0) }));
  }

  announceLoading(job) {
    if (job !== this.stage.job || job.state !== 'loading') return;
    const s = secondsLeft(job.loading);
    announce(s === null ? t('st_loading') : t('sr_loading', { s }));
    setTimeout(() => this.announceLoading(job), SOON_MS);
  }

  /** While it waits to ask again, the seconds are counted. */
  countDown(on) {
    if (!on) { clearInterval(this.counting); this.counting = null; } else this.counting ??= setInterval(() => this.renderMonitor(), 1000);
  }
}
