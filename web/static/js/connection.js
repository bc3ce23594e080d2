// Is the server there? Told by every request; once it is lost, it is asked for again and again. Events: 'lost', 'back'.
import { link } from './api.js';

const WAITS_S = [2, 4, 8, 15, 30];

export class Connection extends EventTarget {
  constructor() {
    super();
    this.online = true;
    this.tries = 0;
    link.addEventListener('lost', () => this.lost());
    link.addEventListener('found', () => this.found());
    window.addEventListener('online', () => { if (!this.online) this.look(); });
    document.addEventListener('visibilitychange', () => { if (!this.online) this.look(); });
  }

  lost() {
    if (!this.online) return;
    this.online = false;
    this.tries = 0;
    this.dispatchEvent(new Event('lost'));
    this.later();
  }

  found() {
    if (this.online) return;
    this.online = true;
    clearTimeout(this.timer);
    this.dispatchEvent(new Event('back'));
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), WAITS_S[Math.min(this.tries++, WAITS_S.length - 1)] * 1000);
  }

  /** Not through api.js, which would tell of each try. */
  async look() {
    if (document.hidden) return;
    try {
      if ((await fetch('health')).ok) { this.found(); return; }
    } catch { /* still away */ }
    this.later();
  }
}
