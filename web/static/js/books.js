// Books and documents that are archives: EPUB and Word. What they say, in order, as text with titles. Knows no page.
import { unzip } from './zip.js';

const xml = (text) => new DOMParser().parseFromString(text, 'application/xml');
const all = (node, name) => [...node.getElementsByTagNameNS('*', name)];

/** webPage(html): the text of a chapter. */
export async function epub(buffer, webPage) {
  const files = unzip(buffer), read = (name) => files.get(name)();
  const path = all(xml(await read('META-INF/container.xml')), 'rootfile')[0].getAttribute('full-path'), book = xml(await read(path));
  const items = new Map(all(book, 'item').map((item) => [item.getAttribute('id'), item]));
  const chapters = all(book, 'itemref').filter((ref) => ref.getAttribute('linear') !== 'no').map((ref) => items.get(ref.getAttribute('idref')));
  const pages = chapters.filter((item) => item && !(item.getAttribute('properties') ?? '').includes('nav'));
  const said = await Promise.all(pages.map(async (item) => webPage(await read(beside(path, item.getAttribute('href'))))));
  return { text: said.filter((text) => text.trim()).join('\n\n'), name: all(book, 'title')[0]?.textContent.trim() };
}

export async function docx(buffer) {
  const body = xml(await unzip(buffer).get('word/document.xml')());
  return { text: all(body, 'p').map(paragraph).filter(Boolean).join('\n\n') };
}

function paragraph(p) {
  const style = all(p, 'pStyle')[0], name = style?.getAttributeNS(style.namespaceURI, 'val') ?? '', level = /^(?:heading|berschrift|titre)\s*(\d)/i.exec(name)?.[1] ?? (/^title$/i.test(name) ? 1 : 0);
  const said = [...p.getElementsByTagNameNS('*', '*')].map((e) => ({ t: e.textContent, tab: ' ', br: '\n' })[e.localName] ?? '').join('').trim();
  return said && `${level ? `${'#'.repeat(Number(level))} ` : ''}${said}`;
}

/** A file's address, as the one beside it names it. */
function beside(path, href) { return decodeURIComponent(new URL(href, `file:///${path}`).pathname.slice(1)); }
