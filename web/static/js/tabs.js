// Which document this tab writes in. Two tabs of one browser do not write over each other. Knows no page.
import * as prefs from './prefs.js';

const NAME = 'kyutai-tts';

/** The document that this tab had before a reload, else the last one of this browser. */
export function lastDoc() {
  try { return sessionStorage.getItem(NAME) ?? prefs.get('doc', ''); } catch { return prefs.get('doc', ''); }
}

/** This tab writes in that document, and what is in the text box belongs to it. */
export function remember(id) {
  try { sessionStorage.setItem(NAME, id); } catch { /* refused: the last one of this browser, then */ }
  if (prefs.get('doc') === id && prefs.get('textOf') === id) return;
  prefs.set('doc', id);
  prefs.set('textOf', id);
}

/** Whether this tab has been in this browser before: a reload, or a tab that was brought back. */
export function again() {
  try { return sessionStorage.getItem(NAME) !== null; } catch { return false; }
}

/**
 * The other tabs. current(): the document of this one. taken(id): another tab has the document that was asked for.
 * changed(id): another tab has kept that document, or removed it. Returns ask(id) and tell(id), the other side of both.
 */
export function share({ current, taken, changed }) {
  const channel = new BroadcastChannel(NAME), me = Math.random();
  channel.addEventListener('message', ({ data: { ask, from, have, to, kept } }) => {
    if (ask && ask === current()) channel.postMessage({ have: ask, to: from });
    if (have && to === me) taken(have);
    if (kept) changed(kept);
  });
  return { ask: (id) => channel.postMessage({ ask: id, from: me }), tell: (id) => channel.postMessage({ kept: id }) };
}
