// What this browser remembers (localStorage, which may refuse; then it is remembered until the tab closes).

const KEY = 'kyutai-tts'; // early.js reads it too
let kept = read();
window.addEventListener('storage', (event) => { if (event.key === KEY) kept = read(); }); // another tab has remembered something

function read() {
  try { return JSON.parse(localStorage.getItem(KEY) || '{}') || {}; } catch { return {}; }
}

export function get(name, fallback) { return kept[name] ?? fallback; }

/** Remember; undefined forgets. */
export function set(name, value) { put({ [name]: value }); }

/** Remember several at once. */
export function put(values) {
  Object.assign(kept, values);
  try { localStorage.setItem(KEY, JSON.stringify(kept)); } catch { /* remembered for this tab */ }
}
