// HTML and XHTML as text with titles, by the service's own rules (speech/documents/page.py): what a browser would not show is not
// said, nor scripts, menus, note marks and notes. Nothing in it is loaded or run. Knows no page.

const words = (text) => new Set(text.split(' '));
const UNSEEN = words('script style template noscript nav footer form button select input textarea svg math audio video iframe object canvas embed map rp rt head dialog datalist menu');
const BLOCKS = words('p div section article main header aside blockquote ul ol dl li dt dd table thead tbody tfoot tr caption figure figcaption pre hr address details summary hgroup body html center h1 h2 h3 h4 h5 h6');
const NOT_TEXT = words('noteref footnote footnotes endnote endnotes rearnote rearnotes pagebreak page-list toc landmarks index doc-noteref doc-footnote doc-endnote doc-endnotes doc-pagebreak doc-pagelist doc-toc doc-index doc-backlink navigation search banner');
const NOTE_CLASSES = words('footnote-ref footnoteref footnote-backref footnotes reflist mw-editsection toc');
const NOTE_MARK = /^[[(]?(?:\d{1,4}|[*†‡§¶]{1,4}|[a-z])[\])]?$/;
const FILE_NAME = /^\S+\.(?:jpe?g|png|gif|svg|webp|bmp|tiff?)$/i;
const RAISED = Object.fromEntries([...'0123456789+-'].map((sign, i) => [sign, [...'⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻'][i]]));
const CELL = '\x1f'; // between two cells of a row, until their text is there
// In XHTML every element may close itself, <title/> too, which in HTML would take all that follows for a title.
const XHTML = /^\s*<\?xml|xmlns\s*=\s*["']http:\/\/www\.w3\.org\/1999\/xhtml/;
const CLOSED = /<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\b)([a-z][\w:-]*)((?:\s[^<>]*?)?)\/>/gi;

/** Its text: paragraphs with a blank line between them, titles with # before them. */
export function webPage(text) { return textOf(blocksOf(text)); }

export function textOf(blocks) { return blocks.map(({ said, level }) => `${level ? `${'#'.repeat(level)} ` : ''}${said}`).join('\n\n'); }

/** Its paragraphs and titles, { said, level }; level: of a title, 1 to 6, else 0. */
export function blocksOf(text) {
  const page = new DOMParser().parseFromString(XHTML.test(text.slice(0, 2000)) ? text.replace(CLOSED, '<$1$2></$1>') : text, 'text/html');
  return new Walk(middle(page)).found;
}

/** The one main or article of a page, or else all of it: what stands round it is the site's. */
function middle(page) {
  const only = ['main', 'article'].map((name) => page.getElementsByTagName(name)).find(({ length }) => length === 1);
  return only ? only[0] : page.documentElement;
}

class Walk {
  constructor(top) {
    Object.assign(this, { found: [], text: '', level: 0, pre: 0 });
    this.enter(top);
    this.flush();
  }

  enter(element) {
    const name = element.localName, block = BLOCKS.has(name), heading = /^h([1-6])$/.exec(name);
    if (unsaid(element, name)) return;
    if (block) this.flush();
    if (heading) this.level = Number(heading[1]);
    if (name === 'pre') this.pre++;
    this.text += this.before(element, name);
    for (const child of element.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) this.add(name === 'sup' && !element.childElementCount ? raised(child.data) : child.data);
      else if (child.nodeType === Node.ELEMENT_NODE) this.enter(child);
    }
    if (block) this.flush(name === 'pre' && element.querySelector(':scope > code'));
    if (heading) this.level = 0;
    if (name === 'pre') this.pre--;
  }

  /** What the element itself is read as. An image by its alt, which HTML defines as the text to have in its place. */
  before(element, name) {
    const alt = name === 'img' ? (element.getAttribute('alt') ?? '').trim() : '';
    if (name === 'br') return '\n';
    return (name === 'td' || name === 'th') && this.text.trim() ? CELL : FILE_NAME.test(alt) ? '' : alt;
  }

  add(text) { this.text += this.pre ? text : text.replace(/[ \t\n\r\f]+/g, ' '); }

  flush(code) {
    const { text, level } = this;
    this.text = '';
    if (text.trim()) this.found.push({ said: code ? `\`\`\`\n${text}\n\`\`\`` : tidy(text), level });
  }
}

/** Cells that are empty leave no comma. */
const tidy = (text) => text.replace(/^[\s\x1f]+|[\s\x1f]+$/g, '').replace(/[ \t]*\n[ \t]*/g, '\n').replace(/[\s\x1f]*\x1f[\s\x1f]*/g, ', ');

const has = (known, text) => (text ?? '').toLowerCase().split(/\s+/).some((word) => known.has(word));

function unsaid(element, name) {
  const hidden = element.hasAttribute('hidden') || element.getAttribute('aria-hidden') === 'true' || /display:none/i.test((element.getAttribute('style') ?? '').replaceAll(' ', ''));
  return hidden || UNSEEN.has(name) || has(NOT_TEXT, element.getAttribute('epub:type')) || has(NOT_TEXT, element.getAttribute('role')) || has(NOTE_CLASSES, element.getAttribute('class')) || marksNote(element, name);
}

/** A number or a sign that leads to a note: <a href="#n1">1</a>, <sup><a href="#n1">1</a></sup>. */
function marksNote(element, name) {
  if ((name !== 'a' && name !== 'sup') || !NOTE_MARK.test(element.textContent.trim())) return false;
  return [element, ...element.querySelectorAll('a')].some((link) => link.getAttribute('href')?.includes('#'));
}

/** m<sup>2</sup> is read as m². */
function raised(text) { return /^\s*[+-]?\d{1,3}\s*$/.test(text) ? text.trim().replace(/./g, (sign) => RAISED[sign]) : text; }
