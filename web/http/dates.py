"""Dates in the heads of requests. One that is no date counts as not sent, as RFC 9110 (13.1.3, 13.1.5) has it."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.http import parse_date

WITH_DATES = ("HTTP_DATE", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_RANGE", "HTTP_IF_UNMODIFIED_SINCE")


def init_app(app: Flask) -> None:
    app.before_request(drop_impossible)


def drop_impossible() -> None:
    """werkzeug leaves aside what it cannot read, but not a year or an offset that is too large for a number in C."""
    for name in WITH_DATES:
        try:
            parse_date(request.environ.get(name))
        except OverflowError:
            del request.environ[name]
