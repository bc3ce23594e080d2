// Files in a zip archive, by name (APPNOTE.TXT 6.3, without encryption and zip64). Knows no page.

const END = 0x06054b50, ENTRY = 0x02014b50; // signatures
const STORED = 0, DEFLATED = 8; // methods
const MAX_BYTES = 100e6; // of one file unpacked: a small archive may claim to hold a huge one

/** name -> read(), which gives the file's text. Raises RangeError for what is no archive. */
export function unzip(buffer) {
  const view = new DataView(buffer), files = new Map(), end = endOf(view);
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0 && view.getUint32(at, true) === ENTRY; left--) {
    const of = (offset) => view.getUint16(at + offset, true), local = view.getUint32(at + 42, true);
    const entry = { method: of(10), size: view.getUint32(at + 20, true), local };
    files.set(new TextDecoder().decode(new Uint8Array(buffer, at + 46, of(28))), () => read(buffer, view, entry));
    at += 46 + of(28) + of(30) + of(32);
  }
  return files;
}

function endOf(view) {
  for (let at = view.byteLength - 22; at >= 0; at--) if (view.getUint32(at, true) === END) return at;
  throw new RangeError('not a zip archive');
}

async function read(buffer, view, { method, size, local }) {
  const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true), data = new Uint8Array(buffer, from, size);
  if (method === STORED) return new TextDecoder().decode(data);
  if (method !== DEFLATED) throw new RangeError('a method of packing that is not read here');
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader(), decoder = new TextDecoder();
  let text = '', bytes = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    bytes += piece.value.length;
    if (bytes > MAX_BYTES) { reader.cancel(); throw new RangeError('too large'); }
    text += decoder.decode(piece.value, { stream: true });
  }
  return text + decoder.decode();
}
