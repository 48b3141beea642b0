"""A language model to talk to: a real HTTP server on this machine that plays whatever part a test gives it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

SENTENCE = "One hand rises to the chest and falls again."
Part = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """One request: noted, then answered by the next part to play."""

    def __init__(self, endpoint: Endpoint, *details: Any) -> None:
        self.endpoint = endpoint
        super().__init__(*details)

    def do_POST(self) -> None:
        """Play the next part; when none is left, say a fit sentence."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.endpoint.asked.append((self.path, dict(self.headers), body))
        part = self.endpoint.parts.pop(0) if self.endpoint.parts else completion(SENTENCE)
        with contextlib.suppress(ConnectionError):
            part(self)

    def do_GET(self) -> None:
        """What a redirection that was followed would ask."""
        self.endpoint.asked.append((self.path, dict(self.headers), None))

    def log_message(self, *_: object) -> None:
        """Nothing on the error stream."""


def response(status: int, body: bytes, headers: dict[str, str]) -> Part:
    """A whole response."""

    def play(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return play


def completion(text: str | None) -> Part:
    """A chat completion."""
    answer = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    return response(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})


def hangs(handler: Handler) -> None:
    """No answer until the test is over."""
    handler.endpoint.over.wait(30)


def hangs_up(handler: Handler) -> None:
    """A connection that is closed without a word."""
    handler.close_connection = True


def never_ends(handler: Handler) -> None:
    """A body without an end."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.endpoint.over.is_set():
        handler.wfile.write(b" " * (1 << 16))


def drips(handler: Handler) -> None:
    """A body that comes byte by byte, always in time for the next read."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.endpoint.over.wait(0.05):
        handler.wfile.write(b" ")


def speaks_no_http(handler: Handler) -> None:
    """Another protocol."""
    handler.wfile.write(b"220 mail.example ready\r\n")


class Endpoint:
    """What was asked (path, headers, body), and what is answered next."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.parts: list[Part] = []
        self.over = threading.Event()

    @property
    def classes(self) -> list[str]:
        """The classes asked for, in order."""
        return [body["messages"][1]["content"].partition(": ")[2] for _, _, body in self.asked]

    def answers(self, status: int, body: bytes = b"", **headers: str) -> None:
        """The next response; an underscore in the name of a header stands for its dash."""
        self.parts.append(response(status, body, {name.replace("_", "-"): text for name, text in headers.items()}))

    def says(self, *texts: str | None) -> None:
        """The next chat completions."""
        self.parts += [completion(text) for text in texts]

    def misbehaves(self, how: str) -> None:
        """The next request is not answered as it should be."""
        self.parts.append({part.__name__: part for part in (hangs, hangs_up, never_ends, drips, speaks_no_http)}[how])


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """A running endpoint."""
    monkeypatch.setenv("no_proxy", "*")
    made = Endpoint()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, made)) as server:
        made.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        yield made
        made.over.set()
        server.shutdown()
        thread.join()
