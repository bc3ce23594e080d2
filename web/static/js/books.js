// Books and documents that are archives: EPUB and Word. What they say, in order, as text with titles, by the service's own rules
// (speech/documents). Knows no page.
import { blocksOf, textOf } from './webpage.js';
import { unzip } from './zip.js';

const NCX = 'application/x-dtbncx+xml'; // EPUB 2's table of contents
const UNSAID = new Set(['del', 'moveFrom', 'rt', 'pPr', 'p', 'Fallback']); // in a paragraph of Word; those of a text box (p) come by themselves
const SAID = { tab: ' ', br: '\n', cr: '\n', noBreakHyphen: '-' };

const xml = (text) => new DOMParser().parseFromString(text, 'application/xml');
const all = (node, name) => [...node.getElementsByTagNameNS('*', name)];
const property = (item, name) => (item.getAttribute('properties') ?? '').split(' ').includes(name);

export async function epub(buffer) {
  const files = unzip(buffer), read = async (name) => (await files.get(name)?.()) ?? '';
  const path = all(xml(await read('META-INF/container.xml')), 'rootfile')[0].getAttribute('full-path'), book = xml(await read(path));
  const items = new Map(all(book, 'item').map((item) => [item.getAttribute('id'), item])), place = (item) => beside(path, item.getAttribute('href'));
  const refs = all(book, 'itemref').filter((ref) => ref.getAttribute('linear') !== 'no').map((ref) => items.get(ref.getAttribute('idref')));
  const titles = await contents([...items.values()].filter(isMenu).map(place), read);
  const pages = refs.filter((item) => item && !property(item, 'nav')).map(place);
  const said = await Promise.all(pages.map(async (name) => titled(await read(name), titles.get(name))));
  return { text: said.filter((text) => text.trim()).join('\n\n'), name: all(book, 'title')[0]?.textContent.trim() };
}

const isMenu = (item) => property(item, 'nav') || item.getAttribute('media-type') === NCX;

/** With the title that the table of contents has, where the page does not begin with one of its own. */
function titled(html, title) {
  const blocks = blocksOf(html), bare = title && blocks.length && !blocks[0].level;
  return textOf(bare ? [{ said: title, level: 2 }, ...blocks] : blocks);
}

/** Titles by page, of links that lead to a page's beginning. EPUB 2 has them in navPoint, EPUB 3 in links. */
async function contents(menus, read) {
  const found = new Map();
  for (const name of menus) {
    const menu = xml(await read(name));
    const points = all(menu, 'navPoint').map((point) => [all(point, 'content')[0]?.getAttribute('src'), all(point, 'text')[0]?.textContent]);
    const links = all(menu, 'a').map((link) => [link.getAttribute('href'), link.textContent]);
    for (const [href, title] of [...points, ...links]) {
      if (href && !href.includes('#') && title && !found.has(beside(name, href))) found.set(beside(name, href), title.trim());
    }
  }
  return found;
}

export async function docx(buffer) {
  const files = unzip(buffer), part = async (name) => xml((await files.get(name)?.()) ?? '<none/>'), styles = new Map();
  const body = xml(await files.get('word/document.xml')()), title = all(await part('docProps/core.xml'), 'title')[0];
  for (const style of all(await part('word/styles.xml'), 'style')) styles.set(attribute(style, 'styleId'), styleOf(style));
  const paragraphs = all(body, 'p').filter((p) => !p.closest('Fallback'));
  return { text: paragraphs.map((p) => paragraph(p, styles)).filter(Boolean).join('\n\n'), name: title?.textContent.trim() };
}

/** level: of a title; 0: none. contents: of a line of a table of contents. */
function styleOf(style) {
  const name = attribute(all(style, 'name')[0], 'val').toLowerCase(), heading = /^heading (\d)$/.exec(name);
  const level = name === 'title' ? 1 : heading ? Number(heading[1]) : outline(style);
  return { level: Math.min(level, 6), contents: /^(?:toc(?: heading| \d)?|table of figures)$/.test(name) };
}

/** Word counts from 0, and 9 is text. */
function outline(element) {
  const level = attribute(all(element, 'outlineLvl')[0], 'val');
  return /^[0-8]$/.test(level) ? Number(level) + 1 : 0;
}

function paragraph(p, styles) {
  const id = attribute(all(p, 'pStyle')[0], 'val'), style = styles.get(id) ?? { level: 0, contents: false }, said = texts(p).trim();
  const level = Math.min(outline(p), 6) || style.level;
  return style.contents || !said ? '' : `${level ? `${'#'.repeat(level)} ` : ''}${said}`;
}

function texts(element) {
  return [...element.children].map((child) => {
    const name = child.localName, vanishes = name === 'r' && all(child, 'vanish').length > 0;
    if (name === 't') return child.textContent;
    return SAID[name] ?? (UNSAID.has(name) || vanishes ? '' : texts(child));
  }).join('');
}

const attribute = (element, name) => element?.getAttributeNS(element.namespaceURI, name) ?? '';

/** A file's address, as the one beside it names it. */
function beside(path, href) { return decodeURIComponent(new URL(href, `file:///${path}`).pathname.slice(1)); }
