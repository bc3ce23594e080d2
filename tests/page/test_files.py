"""Files into the page, links and code out of it, and the page without JavaScript, without a server."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.expected_conditions import url_to_be
from selenium.webdriver.support.ui import WebDriverWait

from speech.documents import read_document
from tests.ear import heard, pcm16, word_errors
from tests.page.browser import FLAGS, WAIT_S, Page
from tests.page.conftest import _page
from tests.page.site import Site
from tests.page.sound import ask
from tests.page.stand_in import Plan
from tests.speech.documents.files import docx, epub, paragraph

FOX = "The quick brown fox jumped over the lazy dog."
TEXT = "return document.querySelector('#text').value"
DROP = """
const [name, content, type] = arguments, data = new DataTransfer();
data.items.add(new File([content], name, { type }));
const over = new DragEvent('dragover', { dataTransfer: data, bubbles: true, cancelable: true });
document.body.dispatchEvent(over);
const drop = new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
document.body.dispatchEvent(drop);
return [over.defaultPrevented, drop.defaultPrevented];
"""
FILES = {
    "story.txt": ("One.\r\n\r\n\r\nTwo.  \r\n", "One.\n\nTwo."),
    "story.md": (
        "# The *fox*\n\nA **quick** [fox](http://x.org) and `dog`[^1].\n\n- one\n- two\n\n```\ncode\n```\n\nEnd_of_line.\n\n[^1]: A note.",
        "# The fox\n\nA quick fox and dog.\n\none\ntwo\n\nEnd_of_line.",
    ),
    "film.srt": (
        "1\n00:00:01,000 --> 00:00:02,000\n<i>Hello</i> there,\nyou.\n\n2\n00:00:03,000 --> 00:00:04,000\nBye.\n",
        "Hello there, you.\nBye.",
    ),
    "page.html": (
        "<title>x</title><script>no()</script><nav>Menu</nav><h2>The fox</h2><p>A quick\n fox.</p><ul><li>one</li></ul>",
        "## The fox\n\nA quick fox.\n\none",
    ),
    "page.xhtml": ("<html xmlns='http://www.w3.org/1999/xhtml'><body><p>A fox.</p></body></html>", "A fox."),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_dropped_becomes_the_document(gpu_page: Page, name: str) -> None:
    content, wanted = FILES[name]
    page = gpu_page.open().ready()
    assert page.run(DROP, name, content, "") == [True, True], "the browser would open it in a tab"
    page.wait(f"{TEXT} === arguments[0]", wanted)
    assert len(page.driver.window_handles) == 1


CONTAINER = '<container xmlns="urn:c"><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
BOOK = """<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>The fox</dc:title></metadata><manifest><item id="n" href="nav.xhtml" properties="nav"/>
<item id="b" href="text/two.xhtml"/><item id="a" href="text/one%20.xhtml"/></manifest>
<spine><itemref idref="n"/><itemref idref="a"/><itemref idref="b"/></spine></package>"""
WORD = """<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>
<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>The fox</w:t></w:r></w:p>
<w:p><w:r><w:t>A quick</w:t></w:r><w:r><w:tab/><w:t>fox.</w:t></w:r></w:p></w:body></w:document>"""
STYLES = """<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">
<w:style w:styleId="Heading1"><w:name w:val="heading 1"/></w:style></w:styles>"""
ARCHIVES = {
    "book.epub": {
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": BOOK,
        "OPS/nav.xhtml": "<p>Contents</p>",
        "OPS/text/one .xhtml": "<html><body><h1>One</h1><p>A quick fox.</p></body></html>",
        "OPS/text/two.xhtml": "<html><body><h1>Two</h1><p>A lazy dog.</p></body></html>",
    },
    "letter.docx": {"word/document.xml": WORD, "word/styles.xml": STYLES},
}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("book.epub", "# One\n\nA quick fox.\n\n# Two\n\nA lazy dog."),
        ("letter.docx", "# The fox\n\nA quick fox."),
    ],
)
def test_books_are_read_in_the_page(gpu_page: Page, tmp_path: Path, name: str, wanted: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in ARCHIVES[name].items():
            archive.writestr(path, content)
    page = gpu_page.open().ready()
    page.find("#file").send_keys(str(tmp_path / name))
    page.wait(f"{TEXT} === arguments[0]", wanted)


XHTML = """<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"
 xmlns:epub="http://www.idpf.org/2007/ops"><head><title/><script src="x.js"/></head><body><h1 id="a"/><div>In a div<br/>
 of two lines. <a id="p1"/>T&eacute;xt<a href="#n">*</a> <sup><a href="#m">12</a></sup></div><p>5 m<sup>2</sup></p></body></html>"""
WEB = """<title>x</title><nav>Menu</nav><main><p hidden>no</p><p aria-hidden="true">no</p><p style="display: none">no</p>
<h3>The <em>fox</em></h3>Loose text.<table><tr><td>a</td><td></td><td>b</td><td> </td></tr></table><img alt="A red fox."><img alt="fox.jpg">
<aside role="doc-footnote">no</aside><pre><code>x  = 1</code></pre></main><footer>no</footer>"""
NAV = '<nav><ol><li><a href="b.xhtml">The Second</a></li><li><a href="a.xhtml#x">Part</a></li></ol></nav>'
LETTER = (
    paragraph("Contents 3", "T1")
    + paragraph("One", "H1")
    + "<w:p><w:r><w:t>Some </w:t><w:tab/></w:r><w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:hyperlink><w:r>"
    + "<w:t>words</w:t></w:r></w:hyperlink><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:p>"
    + paragraph("Deeper", "Mine")
)
ALIKE = {
    "letter.docx": docx(LETTER),
    "page.xhtml": XHTML.encode(),
    "page.html": WEB.encode(),
    "book.txt": b"A preface,\non two lines.\r\n\r\nCHAPTER I\n\n\nIt began.\n\nChapter one,\n\nPart of it.\n\nEpilogue\n\nThe end.",
    "book.epub": epub({"a.xhtml": "<h1>One</h1><p>1st.</p>", "b.xhtml": "<p>A<span epub:type='pagebreak'>2</span>.</p>"}, nav=NAV),
}  # fmt: skip


def test_the_page_reads_a_file_as_the_service_does(gpu_page: Page, tmp_path: Path) -> None:
    page = gpu_page.open().ready()
    for name, content in ALIKE.items():
        (tmp_path / name).write_bytes(content)
        document = read_document(name, io.BytesIO(content), 1_000)
        parts = [part for c in document.chapters for part in (c.title, *(p.text for p in c.paragraphs)) if part]
        page.find("#file").send_keys(str(tmp_path / name))
        page.wait(f"{TEXT}.replace(/^#+ /gm, '') === arguments[0]", "\n\n".join(part.lstrip("# ") for part in parts))
    listed = "return [...document.querySelectorAll('#hlist .h p')].map((p) => p.textContent)"
    page.wait(f"{listed}.includes('A Paper')")  # the title in the file, of what was written before the last one


def test_a_file_can_be_chosen_and_what_was_written_is_in_the_history(gpu_page: Page, tmp_path: Path) -> None:
    file = tmp_path / "chosen.txt"
    file.write_bytes("Caf\xe9 au lait.".encode("cp1252"))
    page = gpu_page.open().ready()
    page.write(FOX)
    page.find("#file").send_keys(str(file))
    page.wait(f"{TEXT} === 'Café au lait.'")
    page.wait("return document.querySelector('#hlist .h p')?.textContent === arguments[0]", FOX)
    assert "not spoken yet" in page.text("#hlist .h small")
    page.speak(FOX)
    page.wait("return [...document.querySelectorAll('#hlist .h p')].some((p) => p.textContent === 'chosen')")


def test_several_files_become_one_document_in_the_order_of_their_names(gpu_page: Page, tmp_path: Path) -> None:
    for chapter in (10, 2, 1):
        (tmp_path / f"chapter {chapter}.md").write_text(f"# Chapter {chapter}\n\n{FOX}\n")
    page = gpu_page.open().ready()
    page.find("#file").send_keys("\n".join(map(str, tmp_path.glob("*.md"))))
    page.wait(f"{TEXT} === arguments[0]", "\n\n".join(f"# Chapter {n}\n\n{FOX}" for n in (1, 2, 10)))


PASTE = """
const [name, text] = arguments, data = new DataTransfer();
if (text) data.setData('text/plain', text);
data.items.add(new File(['A quick fox.'], name));
document.querySelector('#text').dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
"""


def test_a_file_that_is_pasted_becomes_the_document_unless_there_is_text_beside_it(gpu_page: Page) -> None:
    page = gpu_page.open(text=FOX).ready()
    page.run(PASTE, "picture.png", "What word processors copy beside their text.")
    page.run(PASTE, "story.txt", "")
    page.wait(f"{TEXT} === 'A quick fox.'")
    assert not page.shown("#file-note")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("sound.mp3", "cannot be read here"),
        ("empty.txt", "no text in this file"),
        ("broken.epub", "cannot be read here"),
    ],
)
def test_a_file_that_is_of_no_use_is_told(gpu_page: Page, name: str, key: str) -> None:
    page = gpu_page.open(text=FOX).ready()
    page.run(DROP, name, "" if name.endswith("txt") else "\0", "audio/mpeg" if name.endswith("mp3") else "")
    page.wait_text("#file-note", key)
    assert key in page.text("#alarm")
    assert page.run(TEXT) == FOX


def test_a_file_of_hours_is_left_to_the_service_or_opened(gpu_page: Page, plan: Plan) -> None:
    plan.seated.clear()
    novel = f"{'Donaudampfschiff' * 6} sank. " * 1600
    page = gpu_page.open(text=FOX).ready()
    page.run(DROP, "novel.txt", novel, "")
    page.wait_text("#file-note", "novel has 164,799 characters")
    assert page.run(TEXT) == FOX, "what was written stays until it is known"
    assert page.focus == "b-fserve"
    page.click("#b-fserve")
    page.wait_text("#jlist .h p", "novel")
    assert not page.shown("#file-note")
    assert page.run(TEXT) == FOX
    page.run(DROP, "novel.txt", novel, "")
    page.wait_text("#file-note", "novel has")
    page.click("#b-fhere")
    page.wait(f"{TEXT}.length === 164799")
    page.wait("return document.querySelector('#desk').scrollTop === 0")  # it begins at the beginning
    assert not page.shown("#b-fserve")


HOLDS = """
const ask = fetch, held = [];
window.held = held;
window.fetch = (path, what) =>
  String(path).startsWith('api/jobs') && !window.open_
    ? new Promise((go) => held.push(() => go(ask(path, what))))
    : ask(path, what);
"""


def test_a_file_of_hours_waits_until_it_is_known_whether_the_service_takes_it(gpu_page: Page) -> None:
    """On a slow way the file can be there before the service's answer."""
    page = gpu_page
    slow = page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": HOLDS})
    try:
        page.open(text=FOX).ready()
    finally:
        page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", slow)
    page.run(DROP, "novel.txt", "The ship sank. " * 11_000, "")
    page.wait("return window.held.length > 1")  # at the start, and for the file
    assert page.run(TEXT) == FOX
    page.run("window.open_ = true; for (const go of window.held) go();")
    page.wait_text("#file-note", "novel has 164,999 characters")


# -- links and code -----------------------------------------------------------------------------------------------


def copied(page: Page, what: str) -> str:
    page.run("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    page.click("#b-share")
    page.click(f"#share [data-copy={what}]")
    page.wait_text("#live", "Copied.")
    assert page.focus == "b-share"
    return str(page.run("return copied"))


def test_a_link_opens_the_page_with_text_and_voice_and_tells_no_server(gpu_page: Page, gpu_site: Site) -> None:
    page = gpu_page.open(voice="vctk/p231_023.wav").ready()
    page.write(f"{FOX} & more?")
    link = copied(page, "link")
    page.open(text="Mine.").ready()
    page.driver.get_log("performance")
    page.driver.get("about:blank")
    page.driver.get(link)
    page.ready()
    page.wait(f"{TEXT} === arguments[0]", f"{FOX} & more?")
    assert page.text("#chosen b") == "VCTK p231"
    assert page.run("return location.hash") == ""
    sent = [
        message["params"]["request"]["url"]
        for message in (json.loads(e["message"])["message"] for e in page.driver.get_log("performance"))
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert not any("quick" in url for url in sent)
    page.wait("return [...document.querySelectorAll('#hlist .h p')].some((p) => p.textContent === 'Mine.')")


def test_the_python_that_is_copied_speaks(gpu_page: Page, tmp_path: Path) -> None:
    page = gpu_page.open().ready()
    page.write('It\'s a "quick" fox.')
    code = copied(page, "python")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "speech.mp3").stat().st_size > 1000


def test_the_curl_that_is_copied_is_one_command_of_a_shell(gpu_page: Page) -> None:
    page = gpu_page.open().ready()
    page.write("It's a fox.")
    command = copied(page, "curl").replace("curl ", "printf '%s\\n' ", 1)
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=20).stdout
    assert json.loads(said[said.index("{") : said.rindex("}") + 1])["text"] == "It's a fox."


# -- without JavaScript, without a server -------------------------------------------------------------------------


def test_without_javascript_a_plain_form_gives_a_file(hibari_site: Site, tmp_path: Path) -> None:
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.add_experimental_option(
        "prefs",
        {
            "profile.managed_default_content_settings.javascript": 2,
            "download.default_directory": str(tmp_path),
            "download.prompt_for_download": False,
        },
    )
    with webdriver.Chrome(options=options, service=Service(str(shutil.which("chromedriver")))) as driver:
        driver.get(f"{hibari_site.url}/")
        assert not driver.find_element("css selector", "#b-go").is_displayed(), "no dead controls"
        form = driver.find_element("css selector", "noscript form, form[action='api/tts']")
        driver.find_element("css selector", "#plain-text").send_keys(FOX)
        assert form.get_attribute("method") == "post"
        form.find_element("css selector", "button").click()
        WebDriverWait(driver, WAIT_S).until(url_to_be(f"{hibari_site.url}/api/tts"), "the answer is the speech itself")
    assert word_errors(FOX, heard(pcm16(ask(hibari_site, FOX)), 24_000)) == 0  # as the form asks


def test_the_page_opens_without_its_server(
    make_site: Callable[..., Site], chromium: webdriver.Chrome, tmp_path: Path
) -> None:
    at = make_site()
    for page in _page(chromium, at, tmp_path):
        page.open(text=FOX).ready()
        page.wait("return navigator.serviceWorker.controller !== null")
        page.offline(True)
        page.driver.get(f"{page.url}/")
        page.wait_text("#msg h3", "The server cannot be reached")
        assert page.run(TEXT) == FOX


def test_the_manifest_says_what_an_installed_page_needs(gpu_page: Page) -> None:
    page = gpu_page.open()
    manifest = page.run("return fetch(document.querySelector('link[rel=manifest]').href).then((r) => r.json())")
    assert manifest["display"] == "standalone"
    icon = manifest["icons"][0]["src"]
    assert page.run("return fetch(new URL(arguments[0], document.baseURI)).then((r) => r.status)", icon) == 200
