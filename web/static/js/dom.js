// Small tools for the document. Text always goes in through textContent: voice names are names of files.

export const $ = (id) => document.getElementById(id);

/** An element: el('p', { class: 'note', 'aria-hidden': 'true' }, 'text', child). */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/** One of the drawings in icons.svg. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS(SVG, 'use'));
  draw(svg, name);
  return svg;
}

/** Show another drawing in an svg that is there. */
export function draw(svg, name) {
  const href = `#i-${name}`;
  if (svg.firstElementChild.getAttribute('href') !== href) svg.firstElementChild.setAttribute('href', href);
}

/** Set the text, touching the document only if it is another one. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Name a control for the eye (tooltip) and for screen readers. */
export function name(element, text) {
  if (element.getAttribute('aria-label') === text) return;
  element.setAttribute('aria-label', text);
  element.title = text;
}

/** Colour the track of a range up to its thumb. */
export function fill(range) {
  const part = (range.value - range.min) / (range.max - range.min || 1);
  range.style.setProperty('--p', `${part * 100}%`);
}

/** Seconds as 0:07, 12:03 or 1:02:03. */
export function clock(seconds) {
  const s = Math.floor(seconds), two = (n) => String(n).padStart(2, '0');
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** Tell screen readers, politely. */
export function announce(text) { put($('live'), text); }

/** Run an action once nothing has called for so many milliseconds. */
export function settled(ms, action) {
  let timer;
  return (...args) => { clearTimeout(timer); timer = setTimeout(action, ms, ...args); };
}

/** Hand bytes to the browser's downloads. Without their type: Firefox would put the ending that it knows for the type, .ogx for .opus. */
export function save(blob, filename) {
  const bare = new Blob([blob], { type: 'application/octet-stream' });
  const link = el('a', { href: URL.createObjectURL(bare), download: filename, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Tell screen readers at once: something went wrong. */
export function alarm(text) { put($('alarm'), text); }

/** A line below a control: why it is wrong, or what to know. Without text it goes away. */
export function note(element, text, tone = 'bad') {
  element.hidden = !text;
  element.dataset.tone = tone;
  element.replaceChildren(...(text ? [icon('warn'), el('span', {}, text)] : []));
}
