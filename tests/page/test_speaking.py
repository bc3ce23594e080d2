"""Type, press, hear: what leaves the audio graph is what was typed, in step with what is marked."""

from __future__ import annotations

import json
import wave
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.ear import heard, pcm16, word_errors
from tests.page.browser import Page
from tests.page.site import Site
from tests.page.sound import place, spoken, word_times

FOX = "The quick brown fox jumped over the lazy dog."
TWO = "The quick brown fox jumped over the lazy dog. My father went to the market on Monday morning."
IN_STEP_S = 0.15


def test_what_is_heard_is_what_was_typed(page: Page, hibari_site: Site) -> None:
    page.open().ready().speak(FOX)
    page.wait_state("Done")
    assert page.rate == 24_000
    _, got = page.sound()
    assert word_errors(FOX, heard(got, page.rate)) == 0
    want = spoken(hibari_site, FOX)
    at = place(want, got)
    inner = slice(240, len(want) - 240)  # 10 ms at each end are ramps
    error = np.abs(got[at : at + len(want)][inner] - want[inner])
    assert float(np.max(error)) < 2 / 32768, "each sample once, in order, none changed"
    assert page.complaints() == []


def test_the_meters_tell_words_seconds_pace_and_first_sound(page: Page) -> None:
    page.open().ready().speak(FOX)
    page.wait_state("Done")
    assert page.text("#v-words") == "9 of 9"
    assert page.text("#v-audio").endswith(" s")
    assert "real time" in page.text("#v-pace")
    assert float(page.text("#v-first").removesuffix(" s")) < 10
    assert page.text("#go-text") == "Generate again"


def test_words_are_marked_when_they_are_heard(page: Page, hibari_site: Site) -> None:
    page.open().ready().speak(TWO)
    page.wait_state("Done", timeout_s=30)
    first, got = page.sound()
    begin = (first + place(spoken(hibari_site, TWO), got)) / page.rate  # on the audio clock
    times = word_times(hibari_site, TWO)
    marked = page.marked()
    due = [begin + time + marked[0]["late"] for time in times]
    seen = [nearest(m, due) for m in marked]
    assert seen == sorted(set(seen)), "each word once, in turn"
    drawn = page.drawn()
    for missed in set(range(len(due))) - set(seen):
        until = due[missed + 1] if missed + 1 < len(due) else due[missed] + 1
        assert not [at for at in drawn if due[missed] + IN_STEP_S < at < until], "it was drawn while that was heard"
    first = [next(at for at in drawn if at >= due[i]) for i in seen]  # the first frame that could show the mark
    late = [m["at"] - (at if m["at"] > at else due[i]) for m, at, i in zip(marked, first, seen, strict=True)]
    assert np.percentile(np.abs(late), 95) < IN_STEP_S, [round(x, 3) for x in late]


def nearest(mark: dict[str, Any], due: list[float]) -> int:
    """Which word of TWO that mark was: a text may come twice."""
    same = [i for i, word in enumerate(TWO.split()) if word == mark["text"]]
    return min(same, key=lambda i: abs(due[i] - mark["at"]))


def test_stop_ends_the_sound_and_keeps_what_was_made(page: Page) -> None:
    page.open().ready().speak(" ".join([TWO] * 4))
    page.wait_state("Speaking")
    page.wait("return document.querySelectorAll('.reading .said').length > 2")
    page.click("#b-go")
    page.wait("return document.querySelector('#go-text').textContent !== 'Stop'")
    silent_from = page.run("return tap.contexts[0].currentTime")
    assert page.run("return tap.contexts[0].state") in ("suspended", "running")
    page.wait("return tap.contexts[0].state === 'suspended'")
    page.click("#b-play")
    page.wait("return tap.contexts[0].currentTime > arguments[0] + 0.5", silent_from)
    assert page.text("#state-text") == "Speaking"


def test_pause_holds_the_position_and_play_goes_on(page: Page) -> None:
    page.open().ready().speak(" ".join([TWO] * 3))
    page.wait_state("Speaking")
    page.click("#b-play")
    page.wait_state("Paused")
    held = page.run("return document.querySelector('#seek').value")
    page.click("#b-play")
    page.wait("return Number(document.querySelector('#seek').value) > Number(arguments[0])", held)


def test_a_click_on_a_word_goes_there(page: Page) -> None:
    page.open().ready().speak(TWO)
    page.wait_state("Done", timeout_s=30)
    page.run("tap.words.length = 0")
    page.run(
        "const b = document.querySelector('#text'); b.setSelectionRange(60, 60); b.dispatchEvent(new MouseEvent('click'))"
    )
    page.wait("return document.querySelector('.reading .on')?.textContent === 'went'")
    assert page.text("#state-text") == "Paused", "what was over stays silent"
    page.click("#b-play")
    page.wait_state("Done")


def test_the_wave_can_be_moved_along_by_keys(page: Page) -> None:
    page.open().ready().speak(TWO)
    page.wait_state("Done", timeout_s=30)
    seconds = float(page.run("return document.querySelector('#seek').max"))
    page.find("#seek").send_keys("\ue011")  # Home
    page.wait("return Number(document.querySelector('#seek').value) < 1")
    page.find("#seek").send_keys("\ue00f")  # Page down on the keyboard: 10 s back, from the start
    assert "of" in page.find("#seek").get_attribute("aria-valuetext")
    page.find("#seek").send_keys("\ue010")  # End
    page.wait("return Number(document.querySelector('#seek').value) > arguments[0]", seconds - 0.5)


@pytest.mark.parametrize("ending", ["wav", "pcm", "mp3", "opus", "aac", "flac", "srt", "vtt", "json", "txt"])
def test_each_format_is_downloaded(page: Page, hibari_site: Site, ending: str) -> None:
    page.open().ready().speak(FOX)
    page.wait_state("Done")
    page.click("#b-dl")
    assert page.shown("#dl")
    page.click(f"#dl [data-format={ending}]")
    page.wait("return document.querySelector('#dl').hidden")
    assert page.focus == "b-dl"
    data = page.downloaded(ending).read_bytes()
    assert page.downloaded(ending).name == f"the-quick-brown-fox-jumped-over.{ending}"
    want = spoken(hibari_site, FOX)
    if ending == "srt":
        assert data.decode().startswith("1\n00:00:00,")
        assert "The quick brown fox" in data.decode()
    elif ending == "txt":
        assert data.decode() == FOX
    elif ending == "vtt":
        assert data.decode().startswith("WEBVTT\n\n00:00:00.")
    elif ending == "json":
        kept = json.loads(data)
        assert [w["word"] for w in kept["words"]] == FOX.split()
        assert kept["seconds"] == pytest.approx(len(want) / 24_000, abs=0.01)
    else:
        assert word_errors(FOX, heard(*_decoded(ending, data))) == 0
    if ending == "wav":
        assert np.array_equal(_decoded("wav", data)[0], want)


def _decoded(ending: str, data: bytes) -> tuple[NDArray[np.float32], int]:
    import io

    import av

    if ending == "pcm":
        return pcm16(data), 24_000
    if ending == "wav":
        with wave.open(io.BytesIO(data)) as file:
            return pcm16(file.readframes(file.getnframes())), file.getframerate()
    with av.open(io.BytesIO(data)) as file:
        resampler = av.AudioResampler("fltp", "mono", 24_000)
        frames = [f.to_ndarray()[0] for frame in file.decode(audio=0) for f in resampler.resample(frame)]
    return np.concatenate(frames).astype(np.float32), 24_000


def test_an_edited_text_is_spoken_by_one_press_while_the_last_still_sounds(page: Page) -> None:
    page.open().ready().speak(" ".join([TWO] * 3))
    page.wait("return document.querySelector('#t-all').textContent.startsWith('/ 0')")  # all has arrived
    page.write(FOX)
    assert page.text("#state-text") == "Speaking"
    assert page.text("#go-text") == "Generate"
    page.speak(FOX)
    page.wait_text("#v-words", "9 of 9")
    page.wait_state("Done")


def test_half_a_speech_can_be_downloaded(page: Page) -> None:
    page.open().ready().speak(" ".join([TWO] * 6))
    page.wait_state("Speaking")
    page.click("#b-go")
    page.wait("return document.querySelector('#go-text').textContent !== 'Stop'")
    page.click("#b-dl")
    page.click("#dl [data-format=flac]")
    samples, rate = _decoded("flac", page.downloaded("flac").read_bytes())
    assert len(samples) / rate == pytest.approx(float(page.text("#v-audio").removesuffix(" s")), abs=0.1)


def test_volume_and_mute(page: Page) -> None:
    page.open().ready()
    page.click("#b-mute")
    page.speak(FOX)
    page.wait_state("Done")
    _, got = page.sound()
    assert float(np.max(np.abs(got))) == 0.0
    page.visit()
    assert page.find("#vol").get_attribute("value") == "0", "the volume is remembered"


def test_without_a_gesture_the_sound_waits_for_one(page: Page) -> None:
    page.open(text=FOX).ready()
    page.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": "document.querySelector('#b-go').click()"})
    page.wait_state("Sound is off")
    assert "Press Play" in page.text("#notice")
    page.click("#b-play")
    page.wait_state("Done")
    _, got = page.sound()
    assert word_errors(FOX, heard(got, page.rate)) == 0, "from the start, nothing lost"
