"""A refusal names the place and what is allowed there, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from speech.errors import InvalidRequest
from web.http.explain import explain
from web.http.forms import SpeechForm, StrictForm
from web.http.job_forms import JobForm
from web.routes.openai import OpenAISpeechForm
from web.routes.passages import PiecesForm
from web.sockets.json import read

OPENAI = {"model": "tts-1", "input": "Hello.", "voice": "alloy"}
TEXT = "must be text of at least 1 character."
RATE = "must be a number from 0.25 to 4."


def refused(model: type[BaseModel], given: dict[str, Any], *, form: bool = False) -> InvalidRequest:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given, strict=not form)
    return explain(caught.value, model)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"text": ""}, f"text: {TEXT}"),
        ({"text": ["x"]}, f"text: {TEXT}"),
        ({"text": "a\0"}, "text: must be Unicode text without NUL bytes and lone surrogates."),
        ({"text": "x", "speed": "fast"}, f"speed: {RATE}"),
        ({"text": "x", "speed": 9}, f"speed: {RATE}"),
        ({"text": "x", "seed": 1.5}, "seed: must be a whole number from 0 to 4294967295."),
        ({"text": "x", "stream": "maybe"}, "stream: must be true or false."),
        ({"text": "x", "captions": "ass"}, "captions: must be one of srt, vtt, json."),
        ({"text": "x", "voice": "x" * 301}, "voice: must be text of at most 300 characters."),
        ({"text": "x", "language": "english"}, "language: must be a language of two letters, such as en or fr."),
        ({"text": "x", "langage": "en"}, "langage: there is no such field. Did you mean language?"),
        ({"text": "x", "zzz": 1}, "zzz: there is no such field."),
        ({"text": "x", "lexicon": []}, "lexicon: must be an object."),
        ({"text": "x", "lexicon": {"": "x"}}, 'lexicon[""]: must be 1 to 6 words.'),
        ({"text": "x", "lexicon": {"a": " "}}, 'lexicon["a"]: must not be empty.'),
        ({"text": "x", "lexicon": {"a": 3}}, 'lexicon["a"]: must be text of at most 100 characters.'),
        ({"turns": []}, "turns: must be a list of 1 to 500 entries."),
        ({"turns": [{"text": "x"}, 3]}, "turns[1]: must be an object."),
        ({"turns": [{"voice": "x"}]}, "turns[0].text: is required."),
        ({"turns": [{"text": "x", "vioce": "x"}]}, "turns[0].vioce: there is no such field. Did you mean voice?"),
    ],
)
def test_a_field_of_ours(given: dict[str, Any], told: str) -> None:
    error = refused(SpeechForm, given)
    assert (error.message, error.param) == (told, told.split(":")[0].split("[")[0])


def test_in_a_form_everything_is_text() -> None:
    assert refused(SpeechForm, {"text": "x", "speed": "fast"}, form=True).message == f"speed: {RATE}"
    assert refused(SpeechForm, {"text": "x", "stream": "maybe"}, form=True).message == "stream: must be true or false."


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"voice": 3}, "voice: must be text of at most 300 characters or an object."),
        ({"voice": {"name": "x"}}, "voice: must be text of at most 300 characters or an object."),
        ({"timestamps": ["line"]}, "timestamps[0]: must be word."),
        ({"input": ""}, f"input: {TEXT}"),
    ],
)
def test_a_field_of_openais(given: dict[str, Any], told: str) -> None:
    assert refused(OpenAISpeechForm, OPENAI | given).message == told


def test_what_lies_deep() -> None:
    chapters = [{"title": "One", "paragraphs": [{"text": "x"}, {"text": 3}]}]
    assert refused(JobForm, {"chapters": chapters}).message == f"chapters[0].paragraphs[1].text: {TEXT}"
    piece = "must be a list of 4 entries or a number from 0 to 60."
    assert refused(PiecesForm, {"pieces": [1.0, ["x"]]}).message == f"pieces[1]: {piece}"


@pytest.mark.parametrize(
    ("message", "told", "param"),
    [
        ("{", "This is no JSON object.", None),
        ("[]", "This is no JSON object.", None),
        ('{"type": "stop"}', "type: must be one of end, flush, start, text.", None),
        ('{"text": "x"}', "type: must be one of end, flush, start, text.", None),
        ('{"type": "start", "speed": 9}', f"speed: {RATE}", "speed"),
        ('{"type": "text"}', "text: is required.", "text"),
    ],
)
def test_a_message(message: str, told: str, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(message)
    assert (caught.value.message, caught.value.param) == (told, param)


@pytest.mark.parametrize(
    ("tag", "code"), [("en", "en"), ("EN", "en"), ("en-US", "en"), ("pt_BR", "pt"), ("fr-x-y", "fr")]
)
def test_a_language_may_be_told_as_browsers_do(tag: str, code: str) -> None:
    assert SpeechForm.model_validate({"text": "x", "language": tag}).language == code


REQUIRED: dict[str, Any] = {
    "text": "x",
    "model": "tts-1",
    "input": "x",
    "voice": "alloy",
    "name": "x",
    "pieces": [1.0],
    "type": "start",
    "paragraphs": [{"text": "x"}],
}
OBJECTS = [{"zz": 1}], [[{"zz": 1}]], {"zz": 1}, {"a": {"b": 1}}
NONSENSE = (None, 3, -1.5, True, "", "x" * 400, "a\0", [], {}, [3], *OBJECTS)


def forms(base: type[BaseModel] = StrictForm) -> Iterator[type[BaseModel]]:
    for form in base.__subclasses__():
        yield form
        yield from forms(form)


FORMS = sorted(set(forms()), key=lambda form: form.__qualname__)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize("strict", [True, False], ids=["JSON", "a form"])
def test_whatever_is_refused_can_be_explained(form: type[BaseModel], strict: bool) -> None:
    fields = [field.alias or name for name, field in form.model_fields.items()]
    given = {name: value for name, value in REQUIRED.items() if name in fields}
    params = []
    for name in (*fields, "zzz"):
        for value in NONSENSE:
            try:
                form.model_validate({**given, name: value}, strict=strict)
            except ValidationError as error:
                params.append((explain(error, form).param, name))
    assert params
    assert all(param == name for param, name in params)
