// Draws the waveform: heard, received, still to come, and where we are. Knows nothing of audio or the page.

const STRETCH = 1.05; // the expected length is drawn anew only when it has changed by more than this
const GAIN = 1.6; // speech seldom reaches more than half of full scale
const TOUCH = 0.8; // exponent that lifts quiet parts
const CROWDED = 3; // bars; marks of paragraphs that are nearer to each other would be a comb

export class Wave {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext('2d');
    this.shown = 0; // seconds that the whole width stands for
    this.colours = null;
  }

  /** The theme has changed. */
  repaint() { this.colours = null; }

  /** tape: or null. expected: seconds of the whole, as far as known. position: seconds heard. marks: { at (seconds), title }. */
  draw(tape, expected, position, marks = []) {
    const { canvas, pen } = this, width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return;
    this.fit(width, height);
    this.colours ??= palette(canvas);
    const arrived = tape?.seconds ?? 0, all = this.stretch(Math.max(expected, arrived, 0.001), tape?.closed);
    const bar = this.colours.bar, count = Math.floor(width / (bar * 2)), middle = height / 2, peaks = this.peaks(tape, all, count);
    pen.clearRect(0, 0, width, height);
    for (let i = 0; i < count; i++) {
      const from = (i / count) * all, to = ((i + 1) / count) * all, x = i * bar * 2;
      if (!arrived || from >= arrived) {
        pen.fillStyle = this.colours.line;
        if (i % 2 === 0) pen.fillRect(x, middle - bar / 2, bar, bar);
        continue;
      }
      const half = Math.max(1.5, Math.min(1, peaks[i] * GAIN) ** TOUCH * (middle - 2));
      pen.fillStyle = to <= position ? this.colours.heard : this.colours.rest;
      pen.beginPath();
      pen.roundRect(x, middle - half, bar, half * 2, 1);
      pen.fill();
    }
    let before = 0;
    for (const { at, title } of marks.slice(1)) {
      const x = Math.round((at / all) * width) - bar, tall = title ? height : height / 4;
      if (!title && x - before < bar * CROWDED) continue;
      before = x;
      pen.clearRect(x, 0, bar * 1.5, height);
      pen.fillStyle = title ? this.colours.text : this.colours.line;
      pen.fillRect(x, height - tall, Math.max(1, bar / 2), tall);
    }
    if (arrived && position > 0 && position < all) {
      pen.fillStyle = this.colours.text;
      pen.fillRect(Math.round((position / all) * width) - 1, 0, 2, height);
    }
  }

  /** Make the canvas as fine as the screen. */
  fit(width, height) {
    const { canvas } = this, fine = devicePixelRatio || 1, w = Math.round(width * fine), h = Math.round(height * fine);
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; this.colours = null; }
    this.pen.setTransform(fine, 0, 0, fine, 0, 0);
  }

  /** The loudest sample below each bar, 0 to 1. Each is looked up once, and the last again when more has come: this is drawn in every frame. */
  peaks(tape, all, count) {
    const length = tape?.length ?? 0, size = [all, count].join();
    if (this.of !== tape || this.size !== size || length < this.known) Object.assign(this, { of: tape, size, loud: [], known: 0 });
    if (length === this.known) return this.loud;
    this.loud.pop();
    for (let i = this.loud.length; i < count && (i / count) * all < tape.seconds; i++) this.loud.push(tape.loudest((i / count) * all, ((i + 1) / count) * all));
    this.known = length;
    return this.loud;
  }

  stretch(all, final) {
    const far = all > this.shown * STRETCH || all * STRETCH < this.shown;
    if (final || far) this.shown = all;
    return Math.max(this.shown, 0.001);
  }
}

function palette(canvas) {
  const style = getComputedStyle(canvas), of = (name) => style.getPropertyValue(name).trim();
  const root = parseFloat(getComputedStyle(document.documentElement).fontSize);
  return {
    heard: of('--accent-line'), rest: of('--wave'), line: of('--edge'), text: of('--text'),
    bar: Math.max(2, Math.round(root / 8)), // pixels, and as many between two
  };
}
