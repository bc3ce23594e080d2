// Words with times -> SRT, VTT, JSON. Knows no page.

const LINE_CHARS = 42; // what fits a line of subtitles
const CUE_S = 5; // longest time that one stays
const GAP_S = 0.8; // a silence of so much begins a new one

/** Lines of a few words: { text, start, stop } in seconds. words: with both times, and places in the text. */
export function cues(text, words) {
  const out = [];
  for (const { start_s: start, stop_s: stop, from, to } of words) {
    const said = text.slice(from, to);
    const cue = out.at(-1), whole = cue && /[.!?…]["”’)]*$/.test(cue.text);
    const fits = cue && !whole && cue.text.length + said.length < LINE_CHARS && stop - cue.start <= CUE_S && start - cue.stop < GAP_S;
    if (fits) { cue.text += ` ${said}`; cue.stop = stop; } else out.push({ text: said, start, stop });
  }
  return out;
}

const stamp = (seconds, point) => {
  const ms = Math.round(seconds * 1000), two = (n) => String(Math.floor(n)).padStart(2, '0');
  return `${two(ms / 3.6e6)}:${two((ms / 6e4) % 60)}:${two((ms / 1000) % 60)}${point}${String(ms % 1000).padStart(3, '0')}`;
};

export const CAPTIONS = {
  srt: (job) => list(job).map((c, i) => `${i + 1}\n${stamp(c.start, ',')} --> ${stamp(c.stop, ',')}\n${c.text}\n`).join('\n'),
  vtt: (job) => `WEBVTT\n\n${list(job).map((c) => `${stamp(c.start, '.')} --> ${stamp(c.stop, '.')}\n${escaped(c.text)}\n`).join('\n')}`,
  json: (job) => JSON.stringify({ text: job.text, seconds: job.tape.seconds, words: job.words }, null, 1),
};

const list = (job) => cues(job.text, job.words);
const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;'); // VTT has tags
