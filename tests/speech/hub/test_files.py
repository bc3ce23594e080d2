"""Downloads from a hub on the loopback: resumed, visible, explained."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from huggingface_hub import errors

from speech.errors import EngineFailed, StorageFull, Unavailable
from speech.hub import errors as hub_errors
from speech.hub.files import Hub
from speech.hub.meter import Meter, size_text, watched
from tests.live_server import ROOT, free_port
from tests.speech.hub.cache import lay_out_cache
from tests.speech.hub.fake_hub import COMMIT, FakeHub

REPO = "kyutai/tts-1.6b-en_fr"
STEP = 10 * 1024 * 1024  # huggingface_hub writes in pieces of so many bytes
BIG = bytes(range(256)) * (3 * STEP // 256) + b"end"


@pytest.fixture
def fake() -> Iterator[FakeHub]:
    with FakeHub({REPO: {"config.json": b"{}", "big.safetensors": BIG, "empty.txt": b""}}).running() as hub:
        yield hub


@pytest.fixture
def make(fake: FakeHub, tmp_path: Path) -> Callable[..., Hub]:
    def make(**options: object) -> Hub:
        given = {"cache_dir": tmp_path / "hub", "endpoint": fake.endpoint, "wait": lambda seconds: None}
        return Hub(**given | options)  # type: ignore[arg-type]

    return make


def unused_endpoint() -> str:
    with FakeHub({}).running() as gone:
        return gone.endpoint


def test_a_download_lands_in_the_cache_as_every_other_tool_expects_it(make: Callable[..., Hub], tmp_path: Path) -> None:
    from huggingface_hub import try_to_load_from_cache

    paths = make().download(REPO, ["config.json", "big.safetensors"])
    assert [path.name for path in paths] == ["config.json", "big.safetensors"]
    assert paths[1].read_bytes() == BIG
    assert try_to_load_from_cache(REPO, "big.safetensors", cache_dir=tmp_path / "hub") == str(paths[1])


def test_what_is_there_is_found_without_the_hub(make: Callable[..., Hub], fake: FakeHub) -> None:
    make().download(REPO, ["config.json"])
    fake.asked.clear()
    again = make()
    assert again.cached(REPO, "config.json") is not None
    assert again.cached(REPO, "big.safetensors") is None
    assert [path.name for path in again.snapshots(REPO)] == [COMMIT]
    assert fake.asked == []


def test_the_snapshot_of_main_comes_first_and_the_newest_next(make: Callable[..., Hub], tmp_path: Path) -> None:
    old = lay_out_cache(tmp_path / "hub", REPO, {"config.json": b"old"}, "b" * 40)
    lay_out_cache(tmp_path / "hub", REPO, {"config.json": b"new", "more": b""}, "c" * 40, ref=False)
    hub = make()
    assert [path.name[0] for path in hub.snapshots(REPO)] == ["b", "c"]
    assert hub.cached(REPO, "config.json") == old / "config.json"
    assert hub.cached(REPO, "more") is not None


def test_a_cut_connection_is_taken_up_where_it_broke(make: Callable[..., Hub], fake: FakeHub, caplog) -> None:
    fake.cut_at["big.safetensors"] = [2 * STEP + 5]
    with caplog.at_level(logging.WARNING, "kyutai_tts.hub"):
        (path,) = make().download(REPO, ["big.safetensors"])
    assert path.read_bytes() == BIG
    assert fake.gets("big.safetensors") == [None, f"bytes={2 * STEP}-"]
    assert "cut off" in caplog.text


def test_a_download_that_was_given_up_goes_on_in_the_next_process(make: Callable[..., Hub], fake: FakeHub) -> None:
    fake.cut_at["big.safetensors"] = [STEP, 0, 0, 0, 0, 0]
    with pytest.raises(Unavailable, match=r"big\.safetensors of kyutai/tts-1\.6b-en_fr.*hf download"):
        make().download(REPO, ["big.safetensors"])
    tried = len(fake.gets("big.safetensors"))
    assert tried == 6  # one that brought something and five in a row that did not
    (path,) = make().download(REPO, ["big.safetensors"])
    assert path.read_bytes() == BIG
    assert fake.gets("big.safetensors")[tried:] == [f"bytes={STEP}-"]


def test_it_waits_longer_after_each_fruitless_try(make: Callable[..., Hub], fake: FakeHub) -> None:
    waits: list[float] = []
    fake.cut_at["big.safetensors"] = [0, 0, 0, STEP, 0]
    make(wait=waits.append).download(REPO, ["big.safetensors"])
    assert waits == [2.0, 4.0, 8.0, 1.0, 2.0]


def test_a_remnant_longer_than_the_file_is_dropped(make: Callable[..., Hub], fake: FakeHub) -> None:
    fake.cut_at["big.safetensors"] = [STEP, 0, 0, 0, 0, 0]
    hub = make()
    with pytest.raises(Unavailable):
        hub.download(REPO, ["big.safetensors"])
    (remnant,) = hub.repo_dir(REPO).glob("blobs/*.incomplete")
    remnant.write_bytes(BIG + b"rubbish")
    assert hub.download(REPO, ["big.safetensors"])[0].read_bytes() == BIG


def test_progress_tells_bytes_and_ends_at_the_total(make: Callable[..., Hub], fake: FakeHub) -> None:
    seen: list[tuple[str, float, float]] = []
    fake.gate["big.safetensors"] = threading.Event()

    def progress(what: str, done: float, total: float, seconds_left: float | None) -> None:
        seen.append((what, done, total))
        if done == 2.0:  # config.json is here, the other is held back at the hub
            fake.gate["big.safetensors"].set()

    make().download(REPO, ["config.json", "big.safetensors"], progress)
    total = len(BIG) + 2
    assert {entry[2] for entry in seen} == {total}
    assert seen[0] == (f"downloading {REPO}", 0, total)
    assert seen[-1] == (f"downloading {REPO}", total, total)
    assert 2.0 in [done for _, done, _ in seen]
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_the_watching_thread_ends_with_the_download(make: Callable[..., Hub], fake: FakeHub) -> None:
    fake.cut_at["big.safetensors"] = [0] * 9
    with pytest.raises(Unavailable):
        make().download(REPO, ["big.safetensors"])
    make().download(REPO, ["empty.txt", "config.json"])
    assert "download-progress" not in {thread.name for thread in threading.enumerate()}


def test_nothing_is_reported_when_nothing_is_missing(make: Callable[..., Hub]) -> None:
    make().download(REPO, ["config.json"])
    seen: list[str] = []
    make().download(REPO, ["config.json"], lambda what, done, total: seen.append(what))
    assert seen == []


def test_a_stale_token_is_left_aside_and_said_so(make: Callable[..., Hub], fake: FakeHub, caplog) -> None:
    fake.stale_tokens.add("hf_old")
    hub = make(token="hf_old")
    with caplog.at_level(logging.WARNING, "kyutai_tts.hub"):
        (path,) = hub.download(REPO, ["config.json"])
    assert path.read_bytes() == b"{}"
    assert caplog.text.count("refuses the Hugging Face token") == 1
    assert "hf_old" not in caplog.text
    assert "big.safetensors" in hub.list_files(REPO)


def test_a_good_token_is_used(make: Callable[..., Hub], fake: FakeHub) -> None:
    fake.stale_tokens.add("")  # this hub refuses those who come without one
    assert make(token="hf_good").download(REPO, ["config.json"])[0].read_bytes() == b"{}"


def test_an_unreachable_hub_is_named_with_the_files_and_the_way_by_hand(
    make: Callable[..., Hub], tmp_path: Path
) -> None:
    make().download(REPO, ["config.json"])
    with pytest.raises(Unavailable) as caught:
        make(endpoint=unused_endpoint()).download(REPO, ["config.json", "big.safetensors"])
    message = caught.value.message
    assert f"big.safetensors of {REPO}" in message
    assert "config.json" not in message
    assert f"hf download {REPO} big.safetensors" in message
    assert str(tmp_path / "hub") in message


def test_the_list_of_an_unreachable_hub(make: Callable[..., Hub]) -> None:
    with pytest.raises(Unavailable, match="list of files"):
        make(endpoint=unused_endpoint()).list_files(REPO)


def test_offline_means_no_connection(make: Callable[..., Hub], fake: FakeHub) -> None:
    hub = make(offline=True)
    with pytest.raises(Unavailable, match=r"HF_HUB_OFFLINE is set.*config\.json"):
        hub.download(REPO, ["config.json"])
    with pytest.raises(Unavailable, match="HF_HUB_OFFLINE"):
        hub.list_files(REPO)
    assert fake.asked == []


def test_a_file_that_the_repository_lacks(make: Callable[..., Hub]) -> None:
    with pytest.raises(EngineFailed, match=r"lacks a file.*other\.bin"):
        make().download(REPO, ["config.json", "other.bin"])


def test_a_repository_that_does_not_exist(make: Callable[..., Hub]) -> None:
    with pytest.raises(EngineFailed, match=r"no access to no/such.*HF_TOKEN"):
        make().download("no/such", ["config.json"])


def test_a_name_that_is_none(make: Callable[..., Hub]) -> None:
    with pytest.raises(EngineFailed, match="no name of a repository"):
        make().download("../../etc", ["config.json"])


def test_too_little_room_is_said_before_a_byte_is_fetched(make: Callable[..., Hub], fake: FakeHub) -> None:
    with pytest.raises(Unavailable, match=r"31\.5 MB are to be downloaded, 1\.0 MB are free.*HF_HOME"):
        make(free_bytes=lambda path: 1_000_000).download(REPO, ["big.safetensors"])
    assert fake.gets("big.safetensors") == []


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), StorageFull, "disk of /cache is full"),
        (PermissionError(errno.EACCES, "Permission denied"), EngineFailed, "/cache cannot be written"),
        (errors.FileMetadataError("no ETag"), Unavailable, "a.bin of o/r"),
        (errors.OfflineModeIsEnabled("offline mode is enabled"), Unavailable, "offline mode is enabled"),
    ],
)
def test_errors_are_explained(error: Exception, kind: type[Exception], words: str) -> None:
    explained = hub_errors.explain(error, hub_errors.Wanted("o/r", ["a.bin"], Path("/cache")))
    assert type(explained) is kind
    assert words in explained.message


def test_a_connection_that_is_refused_is_told_without_its_wrappers() -> None:
    session = requests.Session()
    session.trust_env = False  # no proxy in between
    with pytest.raises(requests.ConnectionError) as refused:
        session.get(f"http://127.0.0.1:{free_port()}/api/models/{REPO}")
    told = hub_errors.reason(refused.value)
    assert told.startswith("NewConnectionError: HTTPConnection(host='127.0.0.1'")
    assert told.endswith("Connection refused")


def test_a_socks_proxy_without_its_package_names_the_package(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['socks'] = None\n"  # as if PySocks were not installed
        "from pathlib import Path; from speech.hub.files import Hub\n"
        "try: Hub(Path(sys.argv[1])).list_files('kyutai/tts-voices')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    environment = os.environ | {"ALL_PROXY": "socks5h://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""}
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("EngineFailed A proxy of the kind socks5:// is set")
    assert "PySocks" in done.stdout


def test_a_full_disk_is_not_tried_again() -> None:
    assert not hub_errors.is_cut(OSError(errno.ENOSPC, "No space left on device"))
    assert not hub_errors.is_cut(errors.OfflineModeIsEnabled("offline"))
    assert hub_errors.is_cut(OSError("Consistency check failed"))
    assert hub_errors.is_cut(errors.LocalEntryNotFoundError("gone"))


def test_the_meter_tells_seconds_from_the_last_half_minute() -> None:
    now = 0.0
    meter = Meter(1000, lambda: now)
    assert meter.left == ""
    meter.update(100)
    assert meter.seconds_left is None  # one look shows no speed
    now = 10.0
    meter.update(200)
    assert meter.seconds_left == pytest.approx(80)
    now = 100.0
    meter.update(200)  # it has stood still for longer than the window
    assert meter.left == ""
    now = 101.0
    meter.update(400)
    assert meter.left == ", about 3 s left"


def test_the_log_gets_a_line_now_and_then(caplog) -> None:
    lock, now, looks = threading.Lock(), [0.0], threading.Semaphore(0)

    def clock() -> float:  # three seconds pass between two looks at it
        with lock:
            now[0] += 3.0
            return now[0]

    with (
        caplog.at_level(logging.INFO, "kyutai_tts.hub"),
        watched("downloading x", lambda: 5, 10, lambda *_: looks.release(), clock),
    ):
        for _ in range(3):
            assert looks.acquire(timeout=60)
    assert "downloading x: 5 bytes of 10 bytes" in caplog.text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (256_512, "256.5 kB"), (31_457_283, "31.5 MB"), (3_680_000_000, "3.68 GB")]
)
def test_sizes_as_people_read_them(count: int, text: str) -> None:
    assert size_text(count) == text
