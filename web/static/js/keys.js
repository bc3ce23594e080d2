// The shortcuts. Alt rather than Ctrl, which browsers use; never in fields, where Option and AltGr type letters.
import { $ } from './dom.js';
import { openHelp } from './dialogs.js';

const SEEK_S = 5;
const PAUSE = '<break time="0.5s"/>'; // its length can be written over
const GO_ON = new Set(['KeyJ', 'KeyL', 'Comma', 'Period']); // for as long as the key is held down

export function setUpKeys({ stage, download, gpu }) {
  const { player, transport } = stage, dialogs = [...document.querySelectorAll('dialog')]; // once: a long document is long to search
  const alt = {
    KeyK: () => transport.toggle(), KeyJ: () => transport.skip(-SEEK_S), KeyL: () => transport.skip(SEEK_S),
    Comma: () => stage.sentence(-1), Period: () => stage.sentence(1),
  };
  const plain = { '/': () => search(), '?': openHelp };

  document.addEventListener('keydown', (event) => {
    if (event.isComposing || dialogs.some((dialog) => dialog.open)) return; // an input method's Enter is no command
    const field = event.target.closest('textarea, select, input:not([type=range]):not([type=radio])');
    let run;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && event.shiftKey && event.target === $('text')) run = pause;
    else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run = () => stage.speak();
    else if (event.key === 'Escape') run = escape();
    else if (event.altKey && !event.ctrlKey && !event.metaKey && !field) run = alt[event.code] && (() => { if (player.tape) alt[event.code](); });
    else if (!event.altKey && !event.ctrlKey && !event.metaKey && !field) run = plain[event.key];
    if (!run) return;
    event.preventDefault();
    if (event.repeat && !GO_ON.has(event.code)) return;
    run();
    stage.move();
  });

  function escape() {
    if (download.isOpen) return () => { download.open(false); $('b-dl').focus(); };
    if (gpu.isOpen) return () => gpu.open(false);
    return stage.goes ? () => stage.stop() : null;
  }
}

/** A pause where one writes. As if it had been typed: the browser's own undo takes it back. */
function pause() { document.execCommand('insertText', false, PAUSE); }

function search() {
  if ($('b-voices').offsetParent) $('b-voices').click(); // on a phone it is in a sheet
  $('q').focus();
}
