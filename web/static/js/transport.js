// Play, position, volume, mute: the controls below the scope, and the scope itself. Knows no job.
import { $, clock, draw, fill, name, put } from './dom.js';
import { onLanguage, t } from './i18n.js';
import * as prefs from './prefs.js';
import { Wave } from './wave.js';

const STEP_S = 1; // an arrow key on the wave
const PAGE_S = 10;

export class Transport {
  constructor(player) {
    this.player = player;
    this.wave = new Wave($('wave'));
    this.volume = prefs.get('volume', 1);
    this.loud = this.volume || 1; // what unmuting goes back to
    this.last = null; // what `show` was told, to draw it anew
    $('b-play').addEventListener('click', () => this.toggle());
    $('seek').addEventListener('input', () => player.seek(Number($('seek').value)));
    $('seek').addEventListener('keydown', (event) => this.seekKey(event));
    $('vol').addEventListener('input', () => this.setVolume(Number($('vol').value)));
    $('b-mute').addEventListener('click', () => this.setVolume(this.volume ? 0 : this.loud));
    new ResizeObserver(() => this.redraw()).observe($('scope'));
    onLanguage(() => this.setVolume(this.volume));
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

  /** Many times a second: where we are. word: being heard. */
  show(tape, expected, position, word) {
    this.last = [tape, expected, position];
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
    this.wave.draw(tape, expected, position);
  }

  /** When the state changes: the button and what it does. */
  showState(view) {
    const playing = view === 'speaking' || view === 'waiting', button = $('b-play');
    draw(button.firstElementChild, playing ? 'pause' : 'play');
    name(button, t(playing ? 'pause' : view === 'done' ? 'replay' : view === 'paused' ? 'resume' : 'play'));
    button.disabled = !this.player.tape?.length;
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
    on('seekbackward', () => this.skip(-5));
    on('seekforward', () => this.skip(5));
  }
}
