"""A corpus of sentences -> FLAC in Parquet shards, said by any number of instances of this service. On Ray Data.

    python examples/corpus_ray.py sentences.jsonl spoken/ --url http://one:8900 --url http://two:8900

Each line of the input is an object with `text`, and perhaps `id`, `voice` and `seed`; without an id its place in the
file is its id. Each row of the output has `id`, `text`, `voice`, `sample_rate`, `duration_s`, `flac` (the file's bytes)
and `error` (empty unless the text can never be said). A shard is written whole or not at all; started again with the
same folder it says only what is not there yet. An instance that dies, is full or drains is left alone for as long as it
says, or a while, and what it had is asked of another one.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import ray
import soundfile

SILENT_S = 120  # an instance that sends nothing for so long is taken for dead
REST_S = 5.0  # after one that died
PATIENCE_S = 900  # without a single answer from any instance: give up
ATTEMPTS = 3  # at a text that an instance fails at with 500
NEVER = (400, 404, 413)  # no instance will say it
SCHEMA = pa.schema(
    [
        *(("id", pa.string()), ("text", pa.string()), ("voice", pa.string()), ("sample_rate", pa.int32())),
        *(("duration_s", pa.float64()), ("flac", pa.binary()), ("error", pa.string())),
    ]
)

Row = dict[str, Any]


@dataclass
class Instances:
    """The addresses, and which of them rest until when. One for each worker of Ray."""

    urls: Sequence[str]
    key: str | None
    rests_until: dict[str, float] = field(default_factory=dict)

    def say(self, body: Row) -> tuple[bytes, str]:
        """A FLAC file, or why it can never be had. Raises TimeoutError when no instance answers for long."""
        given_up_at, faults = time.monotonic() + PATIENCE_S, 0
        while time.monotonic() < given_up_at:
            url = self._next()
            try:
                return self._ask(url, body), ""
            except urllib.error.HTTPError as error:
                faults += error.code == 500
                if error.code in NEVER or faults == ATTEMPTS:
                    return b"", _message(error)
                self._rest(url, float(error.headers.get("Retry-After") or REST_S))
            except (OSError, HTTPException):  # refused, reset, silent, or cut in the middle: it died
                self._rest(url, REST_S)
        raise TimeoutError(f"none of {', '.join(self.urls)} answers")

    def _next(self) -> str:
        """The one that has rested longest; waits for it if need be."""
        url = min(self.urls, key=lambda url: self.rests_until.get(url, 0.0))
        time.sleep(max(0.0, self.rests_until.get(url, 0.0) - time.monotonic()))
        self.rests_until[url] = time.monotonic()  # they take turns
        return url

    def _rest(self, url: str, seconds: float) -> None:
        self.rests_until[url] = time.monotonic() + seconds

    def _ask(self, url: str, body: Row) -> bytes:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self.key}"} if self.key else {})
        request = urllib.request.Request(f"{url}/api/tts", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=SILENT_S) as answer:
            data: bytes = answer.read()  # raises IncompleteRead for one that was cut
            return data


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}"


class Say:
    """What a worker of Ray does with a shard: says it, and writes it."""

    def __init__(self, urls: Sequence[str], key: str | None, folder: str) -> None:
        self._folder = Path(folder)
        first = sum(ray.get_runtime_context().get_actor_id().encode()) % len(urls)  # not all begin with the same one
        self._instances = Instances([*urls[first:], *urls[:first]], key)

    def __call__(self, row: Row) -> Row:
        sentences = json.loads(row["sentences"])
        said = [self._said(sentence) for sentence in sentences]
        write(pa.Table.from_pylist(said, SCHEMA), self._folder / row["name"])
        return {"name": row["name"], "rows": len(said), "seconds": sum(each["duration_s"] for each in said)}

    def _said(self, sentence: Row) -> Row:
        body = {name: sentence[name] for name in ("text", "voice", "seed") if sentence.get(name) is not None}
        flac, error = self._instances.say(body | {"format": "flac"})
        told = soundfile.info(io.BytesIO(flac)) if flac else None
        return {
            "id": sentence["id"],
            "text": sentence["text"],
            "voice": sentence.get("voice"),
            "sample_rate": told.samplerate if told else 0,
            "duration_s": told.frames / told.samplerate if told else 0.0,
            "flac": flac,
            "error": error,
        }


def write(table: pa.Table, path: Path) -> None:
    part = path.with_name(f".{path.name}.part")
    pq.write_table(table, part, compression="none")  # FLAC is packed already
    part.replace(path)


def read(file: Path) -> Iterator[Row]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if line.strip():
                sentence = json.loads(line)
                yield sentence | {"id": str(sentence.get("id", number))}


def shards(sentences: Iterator[Row], size: int, done: set[str]) -> list[Row]:
    """What is not there yet, by the name of its file."""
    found = []
    for number in itertools.count():
        part = list(itertools.islice(sentences, size))
        if not part:
            return found
        name = f"part-{number:06}.parquet"
        if name not in done:
            found.append({"name": name, "sentences": json.dumps(part, ensure_ascii=False)})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("input", type=Path, help="JSONL, a sentence a line")
    parser.add_argument("output", type=Path, help="a folder that all workers of Ray can write")
    parser.add_argument("--url", action="append", required=True, help="of an instance or a balancer; may be repeated")
    parser.add_argument("--key", help="where the instances need one")
    parser.add_argument("--shard", type=int, default=100, help="sentences in a file; the same when it is started again")
    parser.add_argument("--workers", type=int, default=8, help="sentences that are asked for at once")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    done = {path.name for path in given.output.glob("part-*.parquet")}
    todo = shards(read(given.input), given.shard, done)
    print(f"{len(done)} shards are there, {len(todo)} to say")
    if not todo:
        return
    said = ray.data.from_items(todo, override_num_blocks=len(todo)).map(
        Say,
        fn_constructor_args=(given.url, given.key, str(given.output.resolve())),
        concurrency=given.workers,
        num_cpus=0.1,  # it waits
        max_restarts=-1,
        max_task_retries=-1,
    )
    rows, seconds = 0, 0.0
    for row in said.iter_rows():
        rows, seconds = rows + row["rows"], seconds + row["seconds"]
        print(f"{row['name']}: {rows} sentences, {seconds / 3600:.2f} h of audio")


if __name__ == "__main__":
    main()
