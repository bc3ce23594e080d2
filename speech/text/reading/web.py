"""Addresses, in any language: e-mail, web, IP, handles, hashtags, files. Said short: no scheme, no "www", no query."""

from __future__ import annotations

import re

from speech.text.reading.scan import Match, Rule, rule
from speech.text.reading.tongue import Tongue
from speech.text.wordlist import wordset

MAX_PATH_CHARS = 40  # a longer path of a web address is not said
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\.){1,5}[a-z]{2,12}"
_DOMAINS = "com|org|net|edu|gov|io|ai|dev|app|info|co|fr|uk|de|eu|ca|be|ch|it|es|us|tv|me|exemple|example|local"
_FILES = (
    "pdf|txt|doc|docx|xls|xlsx|ppt|pptx|csv|json|xml|html|htm|css|js|ts|py|rs|go|sh|md|yml|yaml|toml|ini|cfg|log|zip|"
    "tar|gz|jpg|jpeg|png|gif|svg|webp|mp3|mp4|wav|ogg|flac|avi|mov|mkv|exe|dll|bin|db|sql|env|lock|conf|srt|vtt"
)
_AT_END = r"(?![\w@])"
_SPELLED_ENDS = wordset(
    "io ai uk us eu fr de tv ca be ch es pdf txt xls ppt csv xml html htm css js ts py rs md yml cfg gz jpg png gif "
    "svg mp3 mp4 wav avi mkv dll db sql sh"
)


def rules(tongue: Tongue) -> list[Rule]:
    web = _Web(tongue)
    ip = r"(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?:/\d{1,2})?(?![.\d]*\d)"
    path = r"(?::\d{1,5})?(?P<path>/[^\s?#<>\"'()\[\]]*)?(?:[?#][^\s<>\"'()\[\]]*)?(?<![.,;:!?])"
    return [
        rule("ld", r"(?P<user>[\w.+-]{1,64})@(?P<host>" + _HOST + ")" + _AT_END, web.email, re.I),
        rule("l", r"(?:https?://)?localhost:(?P<port>\d{1,5})(?P<path>(?:/[\w.~-]{1,64}){0,9})/?(?![\w/])", web.local),
        rule("l", r"(?:https?|ftp)://(?:[^\s/@]*@)?(?:www\.)?(?P<host>[^\s/:?#]+)" + path, web.address, re.I),
        rule("l", rf"www\.(?P<host>{_HOST}){path}", web.address, re.I),
        rule("ld", rf"(?P<host>(?:[a-z0-9-]{{1,63}}\.){{1,5}}(?:{_DOMAINS}))(?![\w.]*\w){path}", web.address, re.I),
        rule("d", ip, web.ip),
        rule("ld", rf"[\w-]{{1,64}}(?:\.[\w-]{{1,64}})*\.(?:{_FILES}){_AT_END}", web.file, re.I),
        rule("s", r"(?<![\w.])\.{1,2}(?P<path>(?:/[\w.~-]{1,64}){1,9})/?(?![\w/])(?<![.])", web.relative),
        rule("s", r"(?<![\w.])\.(?=[A-Za-z])[\w-]{1,64}(?:\.[\w-]{1,64})*" + _AT_END, web.file),
        rule("l", r"[A-Za-z]:\\[^\s<>|\"?*]*(?<![.,;:!])", web.windows_path),
        rule("s", r"@(?P<name>[A-Za-z_]\w{0,63}(?:\.\w{1,63})*)", web.handle),
        rule("s", r"#(?P<name>[^\W\d]\w{0,79})", web.hashtag),
    ]


class _Web:
    """How one language says them."""

    def __init__(self, tongue: Tongue) -> None:
        self._tongue = tongue
        self._words = tongue.words

    def email(self, match: Match) -> str:
        return f"{self._dotted(match['user'])} {self._words['at']} {self._dotted(match['host'])}"

    def address(self, match: Match) -> str | None:
        host = match["host"].removeprefix("www.")
        if "." not in host and "://" not in match[0]:
            return None
        path = (match["path"] or "").strip("/")
        if len(path) > MAX_PATH_CHARS:
            path = ""
        slash = f" {self._words['slash']} "
        return slash.join([self._dotted(host), *(self._dotted(part) for part in path.split("/") if part)])

    def ip(self, match: Match) -> str:
        parts = re.findall(r"[.:/]|\d+", match[0])
        names = {".": self._words["dot"], ":": self._words["port"], "/": self._words["slash"]}
        return " ".join(names.get(part) or self._tongue.integer(part) for part in parts)

    def file(self, match: Match) -> str | None:
        stem, _, end = match[0].rpartition(".")
        if stem.isdigit():
            return None
        return self._dotted(f"{stem}.{end}")

    def windows_path(self, match: Match) -> str:
        r"""C:\Users\me."""
        drive, *names = match[0].split("\\")
        slash = f" {self._words['backslash']} "
        return slash.join([f"{drive[0]} {self._words['colon']}", *(self._dotted(name) for name in names if name)])

    def local(self, match: Match) -> str:
        """localhost:8900/docs."""
        return f"localhost {self._words['port']} {self._tongue.integer(match['port'])}{self._below(match['path'])}"

    def relative(self, match: Match) -> str:
        """./start.sh, ../docs."""
        up = match[0].partition("/")[0]
        return " ".join([self._words["dot"]] * len(up)) + self._below(match["path"])

    def _below(self, path: str) -> str:
        return "".join(f" {self._words['slash']} {self._dotted(part)}" for part in path.split("/") if part)

    def handle(self, match: Match) -> str:
        return f"{self._words['at']} {self._dotted(match['name'])}"

    def hashtag(self, match: Match) -> str:
        words = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])|_|(?<=[^\W\d])(?=\d)|(?<=\d)(?=[^\W\d])", " ", match["name"])
        return f"{self._words['hashtag']} {self._plain(words)}"

    def _dotted(self, text: str) -> str:
        """A name of letters, digits and signs, the signs by name; a short end such as "fr" is spelled."""
        head, dot, end = text.rpartition(".")
        if dot and end.lower() in _SPELLED_ENDS:
            spelled = " ".join(self._plain(letter.upper()) for letter in end)
            return f"{self._plain(head)} {self._words['dot']} {spelled}".lstrip()
        return self._plain(text)

    def _plain(self, text: str) -> str:
        names = {
            ".": self._words["dot"], "-": self._words["dash"], "_": self._words["underscore"],
            "/": self._words["slash"],
            "+": self._words["plus"],
        }  # fmt: skip
        runs = re.findall(r"[^\W\d_]+|\d+|\S", text)
        return " ".join(
            names.get(run) or (self._tongue.integer(run) if run[0].isdigit() else _letters(run)) for run in runs
        )


def _letters(run: str) -> str:
    return run if run.isalpha() else ""
