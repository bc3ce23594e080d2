// The document for others: a link that carries text and voice, and the request as code.
import { apiKey } from './api.js';
import { $, announce } from './dom.js';
import { t } from './i18n.js';

export function setUpShare({ stage, voices, delivery, adopt }) {
  const menu = $('share'), fields = () => ({ ...stage.script.settings(), text: stage.text.value });
  const open = (on, back) => {
    if (menu.hidden !== on) return;
    menu.hidden = !on;
    $('desk').inert = on; // what the menu covers cannot be pressed
    $('b-share').setAttribute('aria-expanded', String(on));
    if (on) menu.querySelector('button').focus(); else if (back) $('b-share').focus();
  };
  $('b-share').addEventListener('click', () => open(menu.hidden, true));
  menu.addEventListener('click', async (event) => {
    const what = event.target.closest('[data-copy]')?.dataset.copy;
    if (!what) return;
    announce(t((await copy(COPIES[what](fields()))) ? 'copied' : 'not_copied'));
    open(false, true);
  });
  menu.addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.stopPropagation(); open(false, true); } });
  document.addEventListener('pointerdown', (event) => { if (!event.target.closest('#share, #b-share')) open(false); });

  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.has('text')) return;
  window.history.replaceState(null, '', location.pathname + location.search); // read once: what is written next is not the link's
  voices.wish(given.get('voice'));
  if (given.has('speed')) delivery.set({ speed: Number(given.get('speed')) || 1 });
  adopt(given.get('text'));
}

/** Nothing of a fragment is sent to a server. */
function linkOf({ text, voice, speed }) {
  const said = new URLSearchParams({ text, ...(voice ? { voice } : {}), ...(speed ? { speed } : {}) });
  return `${location.origin}${location.pathname}#${said}`;
}

const address = () => new URL('api/tts', document.baseURI).href;
const json = (fields) => JSON.stringify({ ...fields, format: 'mp3' }, null, 2);
const keyed = (code) => (apiKey() ? code : ''); // the code takes the key from the environment: what is copied is shown around
const shell = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

const COPIES = {
  link: linkOf,
  curl: (fields) => `curl ${shell(address())} \\\n  -H 'Content-Type: application/json' \\\n${keyed('  -H "Authorization: Bearer $API_KEY" \\\n')}  -d ${shell(json(fields))} \\\n  -o speech.mp3\n`,
  python: (fields) => `import json\n${keyed('import os\n')}import urllib.request\n\nbody = json.loads(${JSON.stringify(json(fields))})\nrequest = urllib.request.Request(\n    ${JSON.stringify(address())},\n    json.dumps(body).encode(),\n    {"Content-Type": "application/json"${keyed(', "Authorization": f"Bearer {os.environ[\'API_KEY\']}"')}},\n)\nwith urllib.request.urlopen(request) as response, open("speech.mp3", "wb") as file:\n    file.write(response.read())\n`,
  javascript: (fields) => `const response = await fetch(${JSON.stringify(address())}, {\n  method: 'POST',\n  headers: { 'Content-Type': 'application/json'${keyed(', Authorization: `Bearer ${process.env.API_KEY}`')} },\n  body: JSON.stringify(${json(fields).replaceAll('\n', '\n  ')}),\n});\nif (!response.ok) throw new Error((await response.json()).error.message);\nconst audio = await response.blob();\n`,
};

/** Into the clipboard; on an origin that is not secure by the old way. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { /* not allowed, or not there */ }
  const box = document.createElement('textarea');
  box.value = text;
  document.body.append(box);
  box.select();
  const done = document.execCommand('copy');
  box.remove();
  return done;
}
