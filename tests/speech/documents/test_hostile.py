"""Hostile and broken files: refused with a sentence that names the field, and with no more memory than a book takes."""

from __future__ import annotations

import io
import struct
import zlib
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

import psutil
import pytest

from speech.documents import ENDINGS, archive, read_document
from speech.errors import InvalidRequest
from tests.speech.documents.files import CONTAINER, docx, epub, paragraph, zipped

MOST = 100_000
ENTITIES = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
LOL = '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'


def refused(name: str, data: bytes | IO[bytes], match: str, most: int = MOST) -> None:
    with pytest.raises(InvalidRequest, match=match) as told:
        read_document(name, io.BytesIO(data) if isinstance(data, bytes) else data, most)
    assert told.value.param == "file"
    assert told.value.message.startswith("file ")


@pytest.mark.parametrize("ending", [".docx", ".epub"])
def test_what_is_no_zip(ending: str) -> None:
    for data in (b"", b"no zip at all", b"\xd0\xcf\x11\xe0" + b"\0" * 4096, zipped({"a": "b"})[:-30]):
        refused(f"a{ending}", data, f"is no {ending}")
    refused(f"a{ending}", zipped({"a": "b"}), "is missing")


def bomb(name: str, begin: bytes, repeated: bytes, times: int) -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=9) as target, target.open(name, "w") as member:
        member.write(begin)
        for _ in range(times):
            member.write(repeated)
    return file.getvalue()


@pytest.mark.parametrize("repeated", [bytes(1_000_000), b"<a>" + b" " * 999_993 + b"</a>"])
def test_a_zip_bomb_costs_no_memory(repeated: bytes) -> None:
    data = bomb("META-INF/container.xml", b"<a>", repeated, 200)
    assert len(data) < 400_000
    before = psutil.Process().memory_info().rss
    refused("a.epub", data, "of more than 4000000 bytes")
    refused("a.docx", bomb("word/document.xml", b"<a>", repeated, 200), "times its size|cannot be read")
    assert psutil.Process().memory_info().rss - before < 80_000_000


def test_a_member_that_grows_too_much() -> None:
    refused("a.docx", bomb("word/document.xml", b"<a>", b"<b>" + b" " * 999_993 + b"</b>", 20), "200 times its size")


def test_what_is_inflated_is_counted_over_all_members() -> None:
    pages = {f"{number}.xhtml": f"<p>{number}</p><!--{'x' * 900_000}-->" for number in range(120)}
    refused("a.epub", epub(pages), "holds more than 100 MB")


def test_a_zip_that_lies_about_its_sizes() -> None:
    data = bytearray(docx(paragraph("Hello there.") * 200))
    place = data.rfind(b"PK\x01\x02", 0, data.rfind(b"docProps"))
    entry = data.find(b"word/document.xml", data.find(b"PK\x01\x02")) - 46
    assert place >= 0
    struct.pack_into("<L", data, entry + 24, 10)  # the size when it is unpacked
    refused("a.docx", bytes(data), "broken|XML that cannot be read")


def test_a_directory_without_end() -> None:
    file = io.BytesIO()
    with ZipFile(file, "w") as target:
        for number in range(45_000):
            target.writestr(f"{number}", b"")
    refused("a.epub", file, "far more members")


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../b", "..\\evil", "C:\\evil"])
def test_names_that_lead_out(name: str) -> None:
    refused("a.epub", epub({"a.xhtml": "<p>A.</p>"}, **{name: "x"}), "leads out of it")


def test_links_that_lead_out() -> None:
    for package in ("../../etc/passwd", "file:///etc/passwd", "//host/x"):
        refused("a.epub", zipped({"META-INF/container.xml": CONTAINER.format(package=package)}), "leads out of it")
    refused("a.epub", epub({"../../x.xhtml": "<p>A.</p>"}), "leads out of it")
    refused("a.epub", epub({"http://[": "<p>A.</p>"}), "is no address")


def test_a_table_of_contents_with_a_link_that_is_no_address() -> None:
    book = epub({"a.xhtml": "<p>A.</p>"}, nav='<nav><a href="http://[">A</a><a href="a.xhtml">The first</a></nav>')
    assert read_document("a.epub", io.BytesIO(book), MOST).chapters[0].title == "The first"


@pytest.mark.parametrize("declared", [ENTITIES, LOL])
def test_entities(declared: str) -> None:
    container = declared + CONTAINER.format(package="a.opf").partition("?>")[2]
    refused("a.epub", zipped({"META-INF/container.xml": container}), "declares entities")
    page = f'{declared}<html xmlns="http://www.w3.org/1999/xhtml"><body><p>&e;&c;</p></body></html>'
    refused("a.epub", epub({"a.xhtml": "<p/>"}, **{"OEBPS/a.xhtml": page}), "declares entities")
    refused("a.docx", zipped({"word/document.xml": f"{declared}<w>&e;&c;</w>"}), "declares entities")


def test_an_entity_in_utf16_is_not_looked_up() -> None:
    document = f"{ENTITIES}<w>&e;</w>".encode("utf-16")
    refused("a.docx", zipped({"word/document.xml": document}), "declares entities")


def test_latin_1() -> None:
    for ending in (".txt", ".md", ".srt", ".html"):
        refused(f"a{ending}", "caf\xe9".encode("latin-1"), "is no UTF-8 text: byte 3")
    refused("a.txt", b"a\0b", "NUL")


@pytest.mark.parametrize("charset", ["punycode", "IDNA", "unicode_escape", "raw_unicode_escape", "undefined", "rot13"])
def test_what_is_no_encoding_of_files(charset: str) -> None:
    """Punycode takes the square of the length: two minutes of a processor for a megabyte."""
    with pytest.raises(InvalidRequest, match=r"encoding that is not known|is no 'rot13'"):
        read_document("a.txt", io.BytesIO(b"b" * 90_000), MOST, charset)


def test_two_hundred_megabytes_of_nothing() -> None:
    class Nothing(io.RawIOBase):
        read_bytes = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 <= size <= 20 * MOST
            self.read_bytes += size
            return b" " * size

    nothing = Nothing()
    refused("a.txt", nothing, "MAX_JOB_CHARS")  # type: ignore[arg-type]
    assert nothing.read_bytes < 2_000_000


def test_too_many_characters() -> None:
    refused("a.txt", b"word " * 20, "more than 50 characters", 50)
    refused("a.docx", docx(paragraph("word " * 5) * 10), "more than 100 characters", 100)


@pytest.mark.parametrize("ending", [".txt", ".md", ".html", ".docx"])
def test_nothing_to_say(ending: str) -> None:
    refused(f"a{ending}", docx("") if ending == ".docx" else b" \n ", "has no text")


def test_endings() -> None:
    assert set(ENDINGS) == {".txt", ".md", ".html", ".epub", ".docx", ".srt"}
    for name in ("a.pdf", "a", "", "txt"):
        refused(name, b"x", r"must be one of \.txt, ")


def test_broken_pages_and_members() -> None:
    refused("a.epub", epub({}), "has 0 pages")
    refused("a.docx", docx("<w:p><w:r>"), "cannot be read")
    data = bytearray(zipped({"word/document.xml": zlib.compress(b"x" * 5000)}))
    data[60] ^= 0xFF
    refused("a.docx", bytes(data), "broken|cannot be read")


def test_deep_pages() -> None:
    refused("a.html", b"<div>" * 100_000 + b"<p>deep</p>", "no text|cannot be read", MOST * 10)


def test_limits_are_what_the_guide_says() -> None:
    assert (archive.MAX_INFLATED, archive.MAX_RATIO) == (100_000_000, 200)
