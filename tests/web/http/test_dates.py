"""Dates that no calendar has, as a client may send them."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

HEADERS = ["Date", "If-Modified-Since", "If-Range", "If-Unmodified-Since"]
IMPOSSIBLE = [
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    "Mon, 01 Jan 2026 00:00:00 +99999999999999",
    "yesterday",
]
PATHS = ["/apidocs/", "/api/tts?text=Hello."]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("date", IMPOSSIBLE)
def test_an_impossible_date_counts_as_not_sent(client: FlaskClient, path: str, header: str, date: str) -> None:
    with client.get(path, headers={header: date}) as answer:
        assert answer.status_code == 200
    with client.get(path, headers={header: date, "Range": "bytes=0-3"}) as answer:
        assert answer.status_code in (200, 206)


def test_a_date_still_counts(client: FlaskClient) -> None:
    with client.get("/apidocs/", headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}) as answer:
        assert answer.status_code == 304
