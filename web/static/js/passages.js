// A written text -> the passages that are spoken one by one: paragraphs, titles, the lines of a dialogue. Pure; knows no page.

const TITLE = /^(#{1,6})[ \t]+(?=\S)/;
const SPEAKER = /^(\p{Lu}[\p{L}\p{M}'’.-]*(?: \p{Lu}[\p{L}\p{M}'’.-]*){0,2})[ \t]*:[ \t]+(?=\S)/u;
const GAP_S = 0.6; // silence after a paragraph
const TITLE_GAP_S = 0.9;
const LINE_GAP_S = 0.3; // between the lines of a dialogue
const SENTENCE = /[.!?…]["”’)»]*\s+/g;

/**
 * In the order of the text: { from, to, skip, text, title, speaker, gap }. from, to: places in the text (UTF-16 units);
 * skip: characters at its beginning that are not spoken; text: what is spoken; title: 0, or 1 to 6; speaker: the name before
 * a colon, or null; gap: seconds of silence behind it. max: characters that one request may have.
 * names: the speakers whose names are not spoken.
 */
export function passages(text, max = Infinity, names = new Set()) {
  return blocks(text, names).flatMap((block) => divided(text, block, max)).map((p) => ({ ...p, text: text.slice(p.from + p.skip, p.to) }));
}

/** Names before colons that begin lines, if it looks like a dialogue: at least two of them, three lines. */
export function speakers(text) {
  const found = text.split('\n').map((line) => SPEAKER.exec(line)?.[1]).filter(Boolean);
  const names = [...new Set(found)];
  return names.length > 1 && found.length > names.length ? names : [];
}

function blocks(text, names) {
  const found = [];
  let open = null, at = 0;
  for (const line of text.split('\n')) {
    const from = at, to = at + line.trimEnd().length, start = startOf(line, names);
    at += line.length + 1;
    if (!line.trim()) { open = null; continue; }
    if (!open || start) found.push(open = { from, to, skip: 0, title: 0, speaker: null, gap: GAP_S, ...start });
    else open.to = to;
    if (open.title) open = null;
  }
  for (const [i, block] of found.entries()) if (block.speaker && found[i + 1]?.speaker) block.gap = LINE_GAP_S;
  return found;
}

/** How a line begins a passage, or null if it goes on with the one before. */
function startOf(line, names) {
  const title = TITLE.exec(line), name = names.size ? SPEAKER.exec(line) : null;
  if (title) return { title: title[1].length, skip: title[0].length, gap: TITLE_GAP_S };
  return name && names.has(name[1]) ? { speaker: name[1], skip: name[0].length } : null;
}

/** A block that is too long for one request, at the ends of sentences, else of words, else anywhere. */
function divided(text, block, max) {
  const parts = [];
  let { from } = block;
  while (block.to - from > max) {
    const to = from + cutBefore(text.slice(from, from + max));
    parts.push({ ...block, from, to, skip: parts.length ? 0 : block.skip, gap: 0 });
    from = to;
  }
  return [...parts, { ...block, from, skip: parts.length ? 0 : block.skip }];
}

function cutBefore(text) {
  const sentence = [...text.matchAll(SENTENCE)].at(-1), word = text.search(/\s\S*$/);
  if (sentence) return sentence.index + sentence[0].length;
  if (word > 0) return word + 1;
  return /[\uD800-\uDBFF]$/.test(text) ? text.length - 1 : text.length; // never between the halves of a character
}

/**
 * Which old passage each new one continues: an index, or -1. What is alike at both ends stays; what is between is continued in
 * order. Writing in one paragraph touches no other.
 */
export function continued(before, now) {
  const same = (a, b) => a.text === b.text && a.speaker === b.speaker;
  let head = 0, tail = 0;
  while (head < before.length && head < now.length && same(before[head], now[head])) head++;
  while (tail < before.length - head && tail < now.length - head && same(before[before.length - 1 - tail], now[now.length - 1 - tail])) tail++;
  return now.map((_, i) => {
    if (i < head) return i;
    if (i >= now.length - tail) return i - now.length + before.length;
    return i < before.length - tail ? i : -1;
  });
}

/** The text's language, 'en' or 'fr', if it can be told; else null. */
export function languageOf(text) {
  const words = text.toLowerCase().slice(0, 5000).match(/\p{L}+/gu) ?? [], count = (list) => words.filter((w) => list.has(w)).length;
  const fr = count(FRENCH), en = count(ENGLISH);
  if (Math.max(fr, en) < 3 || Math.max(fr, en) < 2 * Math.min(fr, en)) return null;
  return fr > en ? 'fr' : 'en';
}

const FRENCH = new Set('le la les un une des du de et est sont dans que qui ne pas pour sur avec vous nous je il elle au aux ce cette ses son mais ou où sans plus être'.split(' '));
const ENGLISH = new Set('the a an and is are of to in that it you he she we they for on with was were be this not but at by from have has had his her their'.split(' '));
