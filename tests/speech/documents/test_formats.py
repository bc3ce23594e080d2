"""Each format: title, chapters and paragraphs come from the file; what is no text of the book does not."""

from __future__ import annotations

import io

import pytest

from speech.documents import read_document
from speech.text.document import Document
from tests.speech.documents.files import docx, epub, paragraph

MOST = 10_000
Shape = list[tuple[str, list[str]]]


def read(name: str, data: str | bytes, charset: str | None = None) -> Document:
    return read_document(name, io.BytesIO(data.encode() if isinstance(data, str) else data), MOST, charset)


def shape(document: Document) -> Shape:
    return [(chapter.title, [paragraph.text for paragraph in chapter.paragraphs]) for chapter in document.chapters]


def test_plain_text() -> None:
    text = (
        "A preface,\non two lines.\n\nCHAPTER I\n\nIt began.\n \nIt went on.\r\n\r\nChapter 2. The End\n\nPart of it.\n"
    )
    found = read("book.TXT", text)
    assert shape(found) == [
        ("", ["A preface,\non two lines."]),
        ("CHAPTER I", ["It began.", "It went on."]),
        ("Chapter 2. The End", ["Part of it."]),
    ]


def test_a_sentence_about_a_chapter_is_no_heading() -> None:
    last = "Chapter three is the one in which the hero leaves and everything ends, at last, sadly."
    text = f"Chapter one,\n\nChapters are long.\n\nPart of it is here.\n\n{last}"
    assert [title for title, _ in shape(read("a.txt", text))] == [""]


def test_markdown() -> None:
    text = """---
title: "The Sea"
---
# One

Some *words*[^1] and `code`.

- an item
- another

## Deeper

| a | b |
|---|---|
| 1 | 2 |

# Two

```python
print("no")
```

<script>alert(1)</script>

[^1]: A note
    that goes on.
"""
    found = read("a.md", text)
    assert found.title == "The Sea"
    assert shape(found) == [
        ("One", ["Some words[^1] and code.", "an item", "another", "## Deeper", "a, b", "1, 2"]),
        ("Two", ['```\nprint("no")\n\n```']),
    ]


PAGE = """<!doctype html><html><head><title>A site</title><style>p {}</style></head><body>
<nav><a href="/">Home</a></nav><header><p>Menu</p></header>
<main><h1>The Sea</h1><p>It is&nbsp;wide<sup><a href="#n1">1</a></sup>, some 3&#8239;m<sup>2</sup>
 of   it.<br>And <b>deep</b>.<!-- no --></p>
<script>x</script><p hidden>No.</p><p aria-hidden="true">No.</p><p style="display: none">No.</p>
<h2>Waves</h2><p><img alt="A wave" src="w.jpg"> rises. <img alt="DSC_01.JPG"><img src="x"></p>
<h2>Fish</h2><table><tr><th>Cod</th><td>2</td><td> </td></tr></table>
<section role="doc-endnotes"><p>1. A note.</p></section>
<ol><li>One</li><li>Two<ul><li>Three</li></ul></li></ol><pre>a
  b</pre></main><footer>Imprint</footer></body></html>"""


def test_a_page() -> None:
    found = read("a.html", PAGE)
    assert found.title == "A site"
    assert shape(found) == [
        ("The Sea", ["It is\xa0wide, some 3\u202fm² of it.\nAnd deep."]),
        ("Waves", ["A wave rises."]),
        ("Fish", ["Cod, 2", "One", "Two", "Three", "a\nb"]),
    ]


@pytest.mark.parametrize("declared", ['<meta charset="iso-8859-1">', '<?xml version="1.0" encoding="ISO-8859-1"?>'])
def test_a_page_names_its_encoding(declared: str) -> None:
    assert shape(read("a.htm", f"{declared}<p>caf\xe9</p>".encode("latin-1"))) == [("", ["café"])]


def test_a_text_is_utf8_unless_its_encoding_is_told() -> None:
    for data in ("café".encode("utf-8-sig"), "café".encode("utf-16")):
        assert shape(read("a.txt", data)) == [("", ["café"])]
    assert shape(read("a.txt", "café".encode("latin-1"), "iso-8859-1")) == [("", ["café"])]


def test_a_book_without_a_title_has_its_one_highest_heading_or_the_files_name() -> None:
    assert read("notes/sea.md", "# The Sea\n\n## One\n\nIt was calm.\n\n## Two\n\nIt rose.").title == "The Sea"
    assert read("notes/sea.md", "# One\n\nIt was calm.\n\n# Two\n\nIt rose.").title == "sea"
    assert read("C:\\books\\sea.txt", "It was calm.").title == "sea"


def test_subtitles() -> None:
    text = """1
00:00:01,000 --> 00:00:02,000
<i>Hello</i>, you
{\\an8}over there.

2
00:00:02,500 --> 00:00:04,000
It is 3.

3
00:00:20.000 --> 00:00:21.000
Later.
"""
    assert shape(read("a.srt", text)) == [("", ["Hello, you\nover there.\nIt is 3.", "Later."])]


def test_an_ebook() -> None:
    nav = '<nav><ol><li><a href="b.xhtml">The Second</a></li><li><a href="a.xhtml#x">Part</a></li></ol></nav>'
    pages = {
        "a.xhtml": '<h1>One</h1><p>1st<a epub:type="noteref" href="#n">*</a>.</p><aside epub:type="footnote">N</aside>',
        "b.xhtml": '<p><a id="p1"/>T&eacute;xt &amp; more<span epub:type="pagebreak" title="2">2</span>.</p>',
        "c.xhtml": "<h1>Three</h1><p>Unclosed<br>line.",
    }
    found = read("a.epub", epub(pages, nav=nav))
    assert found.title == "A Book"
    assert shape(found) == [
        ("One", ["1st.", "## The Second", "Téxt & more."]),
        ("Three", ["Unclosed\nline."]),
    ]


def test_an_ebook_whose_pages_have_no_headings() -> None:
    nav = '<nav epub:type="toc"><ol><li><a href="a.xhtml">One</a></li><li><a href="b.xhtml">Two</a></li></ol></nav>'
    found = read("a.epub", epub({"a.xhtml": "<p>A.</p>", "b.xhtml": "<p>B.</p>"}, nav=nav))
    assert shape(found) == [("One", ["A."]), ("Two", ["B."])]


RUNS = """<w:p><w:r><w:t>Some </w:t><w:tab/></w:r><w:ins><w:r><w:t>new</w:t></w:r></w:ins>
<w:del><w:r><w:delText>old</w:delText></w:r></w:del>
<w:hyperlink><w:r><w:t xml:space="preserve"> words</w:t></w:r></w:hyperlink>
<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>
<w:r><w:footnoteReference w:id="1"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>"""


def test_a_word_document() -> None:
    body = (
        paragraph("Contents 3", "T1")
        + paragraph("One", "H1")
        + RUNS
        + paragraph("Deeper", "Mine")
        + f"<w:tbl><w:tr><w:tc>{paragraph('Cell')}</w:tc></w:tr></w:tbl>"
        + paragraph("Two", "H1")
        + "<w:p><w:r><w:t>Line</w:t><w:br/><w:t>end.</w:t></w:r></w:p>"
    )
    found = read("a.docx", docx(body))
    assert found.title == "A Paper"
    assert shape(found) == [("One", ["Some  new words", "## Deeper", "Cell"]), ("Two", ["Line\nend."])]
