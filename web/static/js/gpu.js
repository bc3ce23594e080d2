// What speaks, where, how busy it is; load and release by hand. Asks often while something happens, rarely else, and never
// while the tab is hidden.
import { apiKey, ask, askJson } from './api.js';
import { $, el, note, put } from './dom.js';
import { number, onLanguage, sentences, t } from './i18n.js';
import { loadingLine } from './messages.js';

const BUSY_MS = 2000;
const QUIET_MS = 10_000;
const AT_ONCE = 3; // leave the others room
const CELLS = 32; // from here on the slots are a plain number

const STATES = {
  ready: ['g_ready', 'ok'], loading: ['g_loading', 'warn'], unloaded: ['g_unloaded', ''],
  unloading: ['g_unloading', 'warn'], failed: ['g_failed', 'bad'],
};

const WHY_NOT = /was found$/; // a GPU speaks because there is one: nothing to explain

/** Events: 'status'. */
export class Gpu extends EventTarget {
  constructor() {
    super();
    this.status = null;
    this.askedAt = 0;
    this.busy = false; // a job of ours runs
    this.reachable = true;
    this.label = ''; // of the engine
    this.stepUp = null;
    this.complaint = null; // a function that says what went wrong
    $('b-load').addEventListener('click', (event) => this.pressed(event, 'api/gpu/load', 'no_load'));
    $('b-release').addEventListener('click', (event) => this.pressed(event, 'api/gpu/offload', 'no_release'));
    $('d-release').addEventListener('close', () => this.answered());
    $('chip').addEventListener('click', () => this.open($('gpu').hidden));
    $('b-gclose').addEventListener('click', () => this.open(false));
    document.addEventListener('pointerdown', (event) => { if (!event.target.closest('#gpu, #chip, dialog')) this.open(false, false); });
    document.addEventListener('visibilitychange', () => this.look());
    setInterval(() => { if (!document.hidden && this.status?.seconds_until_release != null) this.renderSentence(); }, 1000);
    onLanguage(() => this.render());
  }

  /** How many passages of ours may be made at once: on a CPU they would only wait for each other. */
  get room() {
    const s = this.status;
    return s?.available && s.slots_total ? Math.max(1, Math.min(AT_ONCE, s.slots_total - s.slots_used - s.queue_depth)) : 1;
  }

  get isOpen() { return !$('gpu').hidden; }

  /** The panel below the state. back: the focus goes back to where it came from. */
  open(on, back = true) {
    if (on === this.isOpen) return;
    $('gpu').hidden = !on;
    $('chip').setAttribute('aria-expanded', String(on));
    if (on) { this.look(); $('h-gpu').focus(); } else if (back) $('chip').focus();
  }

  /** Ask now, and from now on. */
  async look() {
    clearTimeout(this.timer);
    if (document.hidden) return;
    try {
      this.status = await askJson('api/gpu/status');
      this.askedAt = performance.now();
      this.render();
      this.dispatchEvent(new Event('status'));
    } catch (error) {
      if (error.status === 401 && !apiKey()) return; // nothing more is asked without a key
    }
    clearTimeout(this.timer);
    const soon = this.busy || ['loading', 'unloading'].includes(this.status?.state);
    this.timer = setTimeout(() => this.look(), soon ? BUSY_MS : QUIET_MS);
  }

  setBusy(busy) { this.busy = busy; this.look(); }

  /** false: what is shown may have changed meanwhile. */
  setReachable(on) { this.reachable = on; this.render(); }

  /** stepUp: what speaks better on this machine (step_up of /api/info), or null. */
  setEngine({ label }, stepUp) { Object.assign(this, { label, stepUp }); this.render(); }

  // -- load and release ----------------------------------------------------------------------------------------------

  pressed(event, path, failed) { if (event.currentTarget.getAttribute('aria-disabled') !== 'true') this.act(path, failed); }

  async act(path, failed, json = {}) {
    this.complaint = null;
    setTimeout(() => this.look(), 200); // loading answers when it is over: see it begin
    try {
      await ask(path, { method: 'POST', ...(path.endsWith('offload') ? { json } : {}) });
    } catch (error) {
      if (error.status === 409 && this.status?.state !== 'loading') this.confirm();
      else if (error.status) this.complaint = () => `${t(failed)}. ${error.message}`;
    }
    this.look();
  }

  /** Speech is under way: ask before it is cut off. */
  confirm() {
    put($('d-release-d'), t('release_q_d', { n: Math.max(1, this.status?.streams_open ?? 1) }));
    $('d-release').returnValue = '';
    $('d-release').showModal();
  }

  answered() {
    if ($('d-release').returnValue === 'force') this.act('api/gpu/offload', 'no_release', { force: true });
  }

  // -- what is seen --------------------------------------------------------------------------------------------------

  render() {
    const s = this.status, [key, tone] = !this.reachable ? ['g_lost', 'bad'] : STATES[s?.state] ?? ['g_unknown', ''];
    const state = t(s && !s.available && key === 'g_ready' ? 'g_cpu' : key);
    const device = !s ? '' : s.available ? s.device_name.replace(/^NVIDIA (GeForce )?/, '') : s.engine === 'hibari' ? '' : shortName(this.label);
    put($('g-state'), state);
    $('g-state').dataset.tone = $('chip').dataset.tone = tone;
    put($('chip-state'), s && !s.available && s.state === 'unloaded' ? t('g_ready') : state); // it loads in a moment: no newcomer needs to know
    put($('chip-device'), device ? ` · ${device}` : '');
    $('chip').setAttribute('aria-label', `${t('status')}: ${[state, device].filter(Boolean).join(', ')}`);
    put($('h-gpu'), t(s?.available ? 'gpu' : 'status'));
    note($('g-note'), this.complaint?.());
    put($('g-step'), this.stepUp ? betterEngine(this.stepUp) : '');
    $('g-body').hidden = !s;
    if (!s) return;
    put($('g-device'), s.available ? s.device_name : s.engine === 'hibari' ? t('hibari') : this.label);
    put($('g-engine'), s.available ? [this.label, s.device].map((x) => `· ${x}`).join(' ') : '');
    put($('g-why'), WHY_NOT.test(s.engine_reason) ? '' : t('why', { x: reason(s.engine_reason) }));
    this.renderMemory(s);
    this.renderSlots(s);
    this.renderSentence();
    put($('b-release'), t(s.available ? 'release' : 'release_cpu'));
    this.renderButtons(['unloaded', 'failed'].includes(s.state) ? $('b-load') : $('b-release'), s.state);
  }

  /** One of the two is to be seen; if the other had the focus, it gets it. A disabled one would lose it. */
  renderButtons(wanted, state) {
    const other = wanted === $('b-load') ? $('b-release') : $('b-load'), focused = document.activeElement === other;
    wanted.hidden = false;
    other.hidden = true;
    if (focused) wanted.focus();
    const idle = !this.reachable || (wanted === $('b-release') && state !== 'ready');
    wanted.setAttribute('aria-disabled', String(idle));
  }

  renderMemory(s) {
    $('g-body').classList.toggle('cpu', !s.available);
    if (!s.available) return;
    const total = s.memory_total_gb, used = s.memory_used_gb, ours = Math.min(s.model_memory_gb ?? 0, used), others = used - ours;
    const gb = (n) => number(n, 1), bar = $('g-mem');
    put($('g-mem-v'), t('mem_v', { a: gb(used), b: number(total, 0) }));
    bar.setAttribute('aria-valuemax', total);
    bar.setAttribute('aria-valuenow', used);
    bar.children[0].style.width = `${(ours / total) * 100}%`;
    bar.children[1].style.width = `${(others / total) * 100}%`;
    const parts = [t('mem_ours', { n: gb(ours) }), t('mem_other', { n: gb(others) }), t('mem_free', { n: gb(total - used) })];
    bar.setAttribute('aria-valuetext', parts.join(', '));
    parts.forEach((text, i) => put($('g-legend').children[i], text));
  }

  renderSlots(s) {
    const known = s.slots_total > 0;
    put($('g-slots'), known ? t('slots_v', { n: s.slots_used, m: s.slots_total }) : '–');
    const cells = $('g-cells'), count = known && s.slots_total <= CELLS ? s.slots_total : 0;
    if (cells.childElementCount !== count) cells.replaceChildren(...Array.from({ length: count }, () => el('i')));
    [...cells.children].forEach((cell, i) => cell.classList.toggle('on', i < s.slots_used));
    put($('g-queue'), s.queue_depth ? t('queue_v', { n: s.queue_depth }) : t('queue_0'));
  }

  /** What will happen next, and why this engine speaks. */
  renderSentence() {
    const s = this.status;
    const next = !s ? '' : s.state === 'loading' && s.loading ? loadingLine(inBytes(s.loading))
      : s.state !== 'ready' ? t(s.available ? 'released_d' : 'released_cpu')
      : s.seconds_until_release !== null ? t('release_in', { n: Math.ceil(Math.max(0, s.seconds_until_release - (performance.now() - this.askedAt) / 1000)) })
      : t(s.idle_timeout_s < 0 ? 'release_never' : 'release_busy');
    const cpu = s?.engine === 'hibari' ? t('w_hibari') : s && !s.available ? t('w_cpu') : '';
    put($('g-sentence'), this.reachable ? sentences(cpu, next) : t('e_offline'));
  }
}

/** "embedded voice (hibari)" -> "hibari" */
const shortName = (label) => /\(([^)]+)\)/.exec(label)?.[1] ?? label;

const inBytes = ({ done, total, ...rest }) => ({ ...rest, loaded_bytes: done, total_bytes: total });

/** Why this engine speaks: the server's sentence in the language of the page. */
export function reason(said) {
  const settings = /^(?:ENGINE|DEVICE)=/.test(said) && said.match(/(?:ENGINE|DEVICE)=\w+/g).join(', '), missing = /^([\w, ]+) not installed/.exec(said)?.[1];
  if (missing) return t('why_missing', { x: missing });
  if (/^no NVIDIA/.test(said)) return t('why_no_gpu');
  if (/^the only/.test(said)) return t('why_only');
  return settings ? t('why_setting', { x: settings }) : said;
}

/** How more is spoken here, and what that costs. */
function betterEngine({ label, languages, setting, disk_gb: disk, download_min_gb: least, download_max_gb: most }) {
  const gb = (n) => number(n, n < 0.1 ? 2 : 1);
  return t('step_up', { engine: label, languages: languages.length, setting, disk: gb(disk), least: gb(least), most: gb(most) });
}
