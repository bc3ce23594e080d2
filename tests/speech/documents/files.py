"""Files in the formats that are read, made as programs make them, and hostile ones."""

from __future__ import annotations

import io
from zipfile import ZIP_DEFLATED, ZipFile

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="{package}" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
PACKAGE = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></metadata>
<manifest>{items}</manifest><spine>{refs}</spine></package>"""
XHTML = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">
<head><title/></head><body>{body}</body></html>"""
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
STYLES = (
    f"<w:styles {W}>"
    '<w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:styleId="Mine"><w:name w:val="Mine"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>'
    '<w:style w:styleId="T1"><w:name w:val="toc 1"/></w:style></w:styles>'
)
CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></cp:coreProperties>'
)


def zipped(members: dict[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def epub(pages: dict[str, str], *, title: str = "A Book", nav: str = "", **more: str | bytes) -> bytes:
    """pages: bodies by name. nav: the body of the table of contents. more: members."""
    names = {f"OEBPS/{name}": XHTML.format(body=body) for name, body in pages.items()}
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(pages)
    )
    if nav:
        items += '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
        names["OEBPS/nav.xhtml"] = XHTML.format(body=nav)
    refs = "".join(f'<itemref idref="i{n}"/>' for n in range(len(pages)))
    package = PACKAGE.format(title=title, items=items, refs=refs)
    members: dict[str, str | bytes] = {"mimetype": "application/epub+zip"}
    members |= {"META-INF/container.xml": CONTAINER.format(package="OEBPS/book.opf"), "OEBPS/book.opf": package}
    return zipped(members | names | more)


def docx(body: str, *, title: str = "A Paper") -> bytes:
    """body: of document.xml, in the namespace w."""
    document = f"<w:document {W}><w:body>{body}</w:body></w:document>"
    members: dict[str, str | bytes] = {"word/document.xml": document, "word/styles.xml": STYLES}
    return zipped(members | {"docProps/core.xml": CORE.format(title=title)})


def paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"
