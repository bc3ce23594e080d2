"""Rows of digits that are no quantity: phone numbers, versions, cards, serial numbers. In any language."""

from __future__ import annotations

import re
from collections.abc import Callable

from speech.text.reading.scan import Match, Rule, rule
from speech.text.reading.tongue import Tongue

_PHONES = (
    r"\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,6}(?![\w/])",
    r"(?:1[ .-])?\(\d{3}\) ?\d{3}[ .-]\d{4}(?!\d)",
    r"(?:1[ .-])?\d{3}([ .-])\d{3}[ .-]\d{4}(?![\d-])",
    r"\d{3}-\d{4}(?![\d-])",
    r"0\d(?:[ .-]\d{2}){4}(?!\d)",
    r"0800 \d{3} \d{3}(?!\d)",
)
_CARD = r"\d{4}(?:[ -]\d{4}){2,4}(?![\d-])"
_SERIAL = r"\d{1,9}(?:-\d{1,9}){2,6}(?![\d-])"


def rules(tongue: Tongue, group: Callable[[str], str]) -> list[Rule]:
    """group: how a group of digits of a phone number is said."""

    def grouped(match: Match) -> str:
        plus = f"{tongue.words['plus']} " if match[0].startswith("+") else ""
        return plus + ", ".join(group(digits) for digits in re.findall(r"\d+", match[0]))

    def in_digits(match: Match) -> str:
        return ", ".join(tongue.digits(digits) for digits in re.findall(r"\d+", match[0]))

    def version(match: Match) -> str | None:
        numbers = match["numbers"]
        if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+", numbers) and not match["v"]:
            return None  # thousands
        dot = f" {tongue.words['versionpoint']} "
        said = dot.join(tongue.integer(part) for part in numbers.split("."))
        return f"{tongue.words['version']} {said}" if match["v"] else said

    return [
        *(rule("ds", f"(?<![\\d.,-]){pattern}", grouped) for pattern in _PHONES),
        rule("s", r"\((?=\d{3}\) ?\d{3}[ .-]\d{4})\d{3}\) ?\d{3}[ .-]\d{4}(?!\d)", grouped),
        rule("d", _CARD, in_digits),
        rule("d", rf"(?!\d{{4}}-\d\d-\d\d(?!\d)){_SERIAL}", in_digits),
        rule("ld", r"(?P<v>[vV](?=\d))?(?P<numbers>\d{1,6}(?:\.\d{1,6}){2,5})(?!\.?\d)", version),
        rule("l", r"(?P<v>[vV])(?P<numbers>\d{1,4}(?:\.\d{1,6})?)(?![.\w]*\w)", version),
    ]
