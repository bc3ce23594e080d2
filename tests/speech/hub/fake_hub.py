"""A Hugging Face hub on the loopback, with as much of its HTTP as huggingface_hub uses to list and to download."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "a" * 40


@dataclass
class FakeHub:
    """repos: files by repository. What it was asked stands in `asked`, with the Range if there was one."""

    repos: dict[str, dict[str, bytes]]
    commit: str = COMMIT
    stale_tokens: set[str] = field(default_factory=set)
    cut_at: dict[str, list[int]] = field(default_factory=dict)  # file: after how many bytes the next answers break off
    gate: dict[str, threading.Event] = field(default_factory=dict)  # file: its bytes are sent only when this is set
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    endpoint: str = ""

    def gets(self, name: str) -> list[str | None]:
        """The Range of each time a file was downloaded."""
        return [wanted for method, path, wanted in self.asked if method == "GET" and path.endswith(f"/{name}")]

    @contextmanager
    def running(self) -> Iterator[FakeHub]:
        handler = type("Handler", (_Handler,), {"hub": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            for gate in self.gate.values():
                gate.set()
            server.shutdown()
            thread.join()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path, self.headers.get("Range")))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token in self.hub.stale_tokens:
            return self._refuse(401, message="Invalid credentials in Authorization header")
        if path.startswith("/api/models/"):
            repo, _, commit = path.removeprefix("/api/models/").partition("/revision/")
            return self._describe(repo, commit or self.hub.commit)
        repo, _, rest = path.lstrip("/").partition("/resolve/")
        commit, _, name = rest.partition("/")
        return self._send_file(repo, name, commit, body)

    def _describe(self, repo: str, commit: str) -> None:
        files = self.hub.repos.get(repo)
        if files is None:
            return self._refuse(401, code="RepoNotFound")
        siblings = [{"rfilename": name} for name in files]
        return self._send(200, json.dumps({"id": repo, "sha": commit, "siblings": siblings}).encode(), {})

    def _send_file(self, repo: str, name: str, commit: str, body: bool) -> None:
        files = self.hub.repos.get(repo)
        if files is None:
            return self._refuse(401, code="RepoNotFound")
        if name not in files:
            return self._refuse(404, code="EntryNotFound")
        data = files[name]
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": commit}
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if not body:
            return self._send(200, b"", headers | {"Content-Length": str(len(data))})
        if name in self.hub.gate:
            self.hub.gate[name].wait(30)
        cuts = self.hub.cut_at.get(name)
        return self._send(206 if start else 200, data[start:], headers, cuts.pop(0) if cuts else None)

    def _refuse(self, status: int, code: str = "", message: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self._send(status, b"", {name: value for name, value in headers.items() if value})

    def _send(self, status: int, data: bytes, headers: dict[str, str], cut_at: int | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(data[:cut_at])
        if cut_at is not None:
            self.close_connection = True
            self.connection.shutdown(2)
