// Play, position, volume, mute: the controls below the scope, and the scope itself. Knows no job.
import { $, clock, draw, el, fill, name, put } from './dom.js';
import { onLanguage, t } from './i18n.js';
import * as prefs from './prefs.js';
import { Wave } from './wave.js';

const STEP_S = 1; // an arrow key on the wave
const PAGE_S = 10;
const RATES = [0.75, 1, 1.25, 1.5, 1.75, 2];

export class Transport {
  /** sentence(step): go to the one before (-1) or after (1). */
  constructor(player, sentence) {
    Object.assign(this, { player, sentence });
    this.wave = new Wave($('wave'));
    this.volume = prefs.get('volume', 1);
    this.loud = this.volume || 1; // what unmuting goes back to
    this.last = null; // what `show` was told, to draw it anew
    $('b-play').addEventListener('click', () => this.toggle());
    $('b-back').addEventListener('click', () => sentence(-1));
    $('b-forth').addEventListener('click', () => sentence(1));
    $('rate').addEventListener('change', () => this.setRate(Number($('rate').value)));
    $('seek').addEventListener('input', () => player.seek(Number($('seek').value)));
    $('seek').addEventListener('keydown', (event) => this.seekKey(event));
    $('vol').addEventListener('input', () => this.setVolume(Number($('vol').value)));
    $('b-mute').addEventListener('click', () => this.setVolume(this.volume ? 0 : this.loud));
    new ResizeObserver(() => this.redraw()).observe($('scope'));
    onLanguage(() => this.setVolume(this.volume));
    $('rate').replaceChildren(...RATES.map((rate) => el('option', { value: rate }, `${rate}×`)));
    this.setRate(prefs.get('rate', 1));
    if (navigator.mediaSession) this.lockScreen();
  }

  toggle() {
    if (this.player.state === 'playing' || this.player.state === 'buffering') this.player.pause();
    else this.player.resume();
  }

  /** Forward or back, in seconds. */
  skip(seconds) { this.player.seek(this.player.position + seconds); }

  setVolume(volume) {
    this.volume = volume;
    if (volume) this.loud = volume;
    prefs.set('volume', volume);
    this.player.setVolume(volume);
    $('vol').value = volume;
    $('vol').setAttribute('aria-valuetext', `${Math.round(volume * 100)} %`);
    fill($('vol'));
    draw($('b-mute').firstElementChild, volume ? 'vol' : 'mute');
    name($('b-mute'), t(volume ? 'mute' : 'unmute'));
  }

  /** How fast it is played; what was made stays as it is. */
  setRate(rate) {
    prefs.set('rate', rate);
    $('rate').value = rate;
    this.player.setRate(rate);
  }

  /** Many times a second: where we are. word: being heard. marks: where passages begin. */
  show(tape, expected, position, word, marks = []) {
    this.last = [tape, expected, position, marks];
    const arrived = tape?.seconds ?? 0, seek = $('seek');
    put($('t-now'), clock(position));
    put($('t-all'), arrived ? `/ ${tape.closed ? '' : '~'}${clock(Math.max(expected, arrived))}` : '');
    seek.disabled = !arrived;
    seek.max = Math.max(arrived, 0.01);
    seek.value = position;
    const of = { a: clock(position), b: clock(arrived), w: word };
    seek.setAttribute('aria-valuetext', t(word ? 'seek_vw' : 'seek_v', of));
    // The range lies over the part of the scope that has arrived: a press lands where the wave shows it.
    seek.style.width = arrived ? `${Math.min(100, (arrived / Math.max(this.wave.shown, arrived)) * 100)}%` : '';
    this.wave.draw(tape, expected, position, marks);
  }

  /** When the state changes: the button and what it does. */
  showState(view) {
    const playing = view === 'speaking' || view === 'waiting', button = $('b-play');
    draw(button.firstElementChild, playing ? 'pause' : 'play');
    name(button, t(playing ? 'pause' : view === 'done' ? 'replay' : view === 'paused' ? 'resume' : 'play'));
    for (const id of ['b-play', 'b-back', 'b-forth']) $(id).disabled = !this.player.tape?.length;
    if (navigator.mediaSession) navigator.mediaSession.playbackState = playing ? 'playing' : 'paused';
  }

  /** Theme or size have changed. */
  redraw() {
    this.wave.repaint();
    if (this.last) this.wave.draw(...this.last);
    else this.wave.draw(null, 0, 0);
  }

  // -- inside --------------------------------------------------------------------------------------------------------

  seekKey(event) {
    const by = { ArrowLeft: -STEP_S, ArrowDown: -STEP_S, ArrowRight: STEP_S, ArrowUp: STEP_S, PageDown: -PAGE_S, PageUp: PAGE_S }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.skip(by);
  }

  lockScreen() {
    const on = (action, run) => { try { navigator.mediaSession.setActionHandler(action, run); } catch { /* not known here */ } };
    on('play', () => this.player.resume());
    on('pause', () => this.player.pause());
    on('previoustrack', () => this.sentence(-1));
    on('nexttrack', () => this.sentence(1));
    on('seekbackward', () => this.skip(-5));
    on('seekforward', () => this.skip(5));
  }
}
