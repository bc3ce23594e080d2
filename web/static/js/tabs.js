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

/** taken(): another tab writes in the document that this one is about to open. current(): the one of this tab. */
export function share(current, taken) {
  const asked = lastDoc(), channel = new BroadcastChannel(NAME);
  channel.addEventListener('message', ({ data }) => {
    if (data.ask === current()) channel.postMessage({ have: data.ask });
    if (data.have === asked) taken();
  });
  channel.postMessage({ ask: asked });
}
