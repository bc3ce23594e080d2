"""A document of hundreds and thousands of paragraphs: what one key, one frame costs is counted, not timed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.page.browser import Page
from tests.page.test_document import FOX, MARKET, put

MANY = 1800
PURE = """
const [parts, done] = [arguments[0], arguments[arguments.length - 1]];
const from = new URL('.', document.querySelector('script[type=module]').src);
Promise.all(parts.map((part) => import(new URL(part, from)))).then((modules) => (%s)(...modules)).then(done, (e) => done(String(e)));
"""
TOUCHED = """
window.touched = 0;
new MutationObserver((changes) => { for (const c of changes) window.touched += 1 + c.addedNodes.length; }).observe(
  document.querySelector('#reading'), { subtree: true, childList: true, attributes: true, characterData: true });
"""


def document(paragraphs: int) -> str:
    return "\n\n".join(f"Paragraph {i}. {FOX} {MARKET}" for i in range(paragraphs))


def pure(page: Page, parts: list[str], function: str) -> Any:
    """What a function of these modules of the page returns."""
    return page.driver.execute_async_script(PURE % function, parts)


SLOW = pytest.mark.slow


@pytest.mark.parametrize("at", [pytest.param(0, marks=SLOW), 100_000, pytest.param(1_000_000, marks=SLOW)])
def test_a_key_in_a_document_of_thousands_touches_the_paragraph_it_is_in(gpu_page: Page, at: int) -> None:
    page = gpu_page.open().ready()
    put(page, document(MANY))
    page.run("window.before = [...document.querySelectorAll('.reading .p')]")
    page.run(
        "const b = document.querySelector('#text'); b.focus(); b.setSelectionRange(arguments[0], arguments[0])", at
    )
    page.run(TOUCHED)
    page.keys("x")
    new = "return [...document.querySelectorAll('.reading .p')].filter((p, i) => p !== before[i]).length"
    assert page.run(new) == 1
    assert 0 < page.run("return touched") < 20


def test_a_paragraph_is_laid_out_by_itself(gpu_page: Page) -> None:
    """Each in a block of its own, so that a browser keeps the lines of all others."""
    page = gpu_page.open().ready()
    put(page, document(30))
    assert page.run("return document.querySelectorAll('.reading > .block').length") == 30
    assert page.run("return [...document.querySelector('.reading').childNodes].every((n) => n.className === 'block')")


TEXTS = (
    "\n\n",
    "  \n \n  One.",
    "One.\n\n\n\nTwo.\n\n\n",
    "One\ntwo.\n# Title\nThree.",
    f"  {FOX} {MARKET}" * 9,
    "One.\n",
)


def test_the_blocks_have_the_height_of_the_box(gpu_page: Page) -> None:
    page = gpu_page.open(width=390).ready()
    page.run(
        "document.querySelector('.paper').style.alignItems = 'start'; document.querySelector('#text').style.height = 0;"
        "document.querySelector('#text').style.minHeight = 0"
    )
    heights = (
        "const t = document.querySelector('#text'), r = document.querySelector('#reading');"
        "return [t.scrollHeight, r.scrollHeight, r.textContent]"
    )
    for text in TEXTS:
        put(page, text)
        wanted, height, said = page.run(heights)
        assert abs(wanted - height) <= 1, text
        assert said == text


def test_only_a_changed_paragraph_is_looked_up_again(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    function = """({ Script }) => {
      const script = new Script(() => ({ voice: 'a' })), looked = [], { recall } = Script.prototype;
      const text = %s;
      script.write(text);
      for (const p of script.passages) script.give(p, { request: script.request(p), text: p.text, tape: { length: 1 }, state: 'complete' });
      script.write(text);
      script.recall = function (passage, settings) { looked.push(passage.text); return recall.call(this, passage, settings); };
      script.write(text.replace('Paragraph 900.', 'Paragraph X.'));
      const stale = script.states.filter((s) => s === 'stale').length;
      script.write(text);
      return [looked.length, stale, script.states.filter((s) => s === 'made').length];
    }"""
    assert pure(page, ["script.js"], function % json.dumps(document(MANY))) == [2, 1, MANY]


def test_a_frame_of_a_track_reads_no_text_and_no_peak_twice(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    function = """({ Track }, { Tape }, { Wave }, { Job }) => {
      let read = 0, asked = 0;
      const jobs = Array.from({ length: 1800 }, (_, i) => {
        const job = new Job({ text: `Paragraph ${i}.` });
        if (i > 2) return job;
        job.tape.append(new Int16Array(24000).fill(1000 * (i + 1)));
        job.tape.close();
        return Object.assign(job, { state: 'complete' });
      });
      const parts = jobs.map((job) => ({ job, gap: 0.5, from: 0 }));
      const track = new Track(parts, { text: '', estimate: () => { read++; return 2; } });
      const { loudest } = track.tape, canvas = document.createElement('canvas');
      track.tape.loudest = function (...range) { asked++; return loudest.apply(this, range); };
      canvas.style.cssText = 'position: fixed; width: 300px; height: 40px';
      document.body.append(canvas);
      const wave = new Wave(canvas), counts = [];
      for (let frame = 0; frame < 3; frame++) {
        wave.draw(track.tape, track.expected, frame / 10, track.marks);
        counts.push([read, asked]);
      }
      const [, before] = counts.at(-1);
      jobs[3].tape.append(new Int16Array(2400).fill(9000));
      wave.draw(track.tape, track.expected, 1, track.marks);
      const more = asked - before;
      canvas.remove();
      const loud = [0.5, 2, 3.5].map((s) => Math.round(track.tape.loudest(s, s + 0.1) * 32768)), at = [0, 1.2, 1.6, 3.2, 9].map((s) => track.tape.partAt(s));
      return [counts[0][0], counts[0][1] > 0, more, String(counts[1]) === String(counts[2]), counts[2][0], loud, at];
    }"""
    first, drawn, more, same, read, loud, at = pure(page, ["track.js", "tape.js", "wave.js", "job.js"], function)
    assert (first, drawn, same, read) == (MANY - 3, True, True, MANY - 3)
    assert more <= 2, "only where something has come"
    assert loud == [1000, 2000, 3000]
    assert at == [0, 0, 1, 2, 3]


LONGEST = """
window.tasks = [];
window.gaps = [];
new PerformanceObserver((list) => tasks.push(...list.getEntries().map((e) => Math.round(e.duration)))).observe({
  type: 'longtask', buffered: false });
let last = performance.now();
(function frame() { const now = performance.now(); gaps.push(Math.round(now - last)); last = now; requestAnimationFrame(frame); })();
"""


@pytest.mark.slow
@pytest.mark.parametrize("paragraphs", [300, MANY])
def test_the_longest_task_of_writing_and_scrolling_is_told(gpu_page: Page, paragraphs: int) -> None:
    """Told, not judged, by the clock (pytest -s)."""
    page = gpu_page.open().ready()
    put(page, document(paragraphs))
    page.run(LONGEST)
    for at in (0, 20_000, 10_000_000):
        page.run(
            "const b = document.querySelector('#text'); b.focus(); b.setSelectionRange(arguments[0], arguments[0])", at
        )
        for key in "And more.":
            page.keys(key)
        page.keys(Keys.ENTER, Keys.ENTER)
    typed = page.run("return [tasks.splice(0), gaps.splice(0).sort((a, b) => b - a).slice(0, 5)]")
    for y in range(0, 9000, 600):
        page.run("document.querySelector('#desk').scrollTop = arguments[0]", y)
        page.run(
            "return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
        )
    scrolled = page.run("return [tasks, gaps.sort((a, b) => b - a).slice(0, 5)]")
    print(
        f"\n{paragraphs} paragraphs: tasks over 50 ms and longest gaps between frames, ms; typed {typed}, scrolled {scrolled}"
    )
    assert page.run("return document.querySelectorAll('.reading .p').length") >= paragraphs
