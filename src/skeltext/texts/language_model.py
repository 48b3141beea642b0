"""A language model behind an OpenAI-compatible endpoint, asked over HTTP with the standard library."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from skeltext import __version__
from skeltext.errors import SkeltextError

Messages = Sequence[dict[str, str]]

PARAMETERS = {"temperature": 0, "seed": 0}  # the same question, as far as the endpoint can, the same answer
MAX_BYTES = 1 << 20  # a description has less than a kilobyte
MAX_TRIES = 4
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_GO_ON = "what was answered before is saved, and the same command goes on from there"


class _Readable(Protocol):
    def read1(self, amount: int, /) -> bytes: ...


class _StayHere(HTTPRedirectHandler):
    """A redirection is not followed, because the key would be sent along."""

    def redirect_request(self, *_: Any) -> None:
        """No request at all, which makes the redirection an error."""


@dataclass(frozen=True, kw_only=True)
class LanguageModel:
    """The model `name` at `url`, as ``https://api.openai.com/v1``; `key` is sent, but never shown or saved.

    `timeout` is the longest an answer may take, `patience` the longest wait that the endpoint may ask for, in seconds.
    """

    url: str
    name: str
    key: str | None = field(default=None, repr=False)
    timeout: float = 300.0
    patience: float = 60.0

    def __post_init__(self) -> None:
        if not _is_address(self.url):
            raise SkeltextError(
                "the address to ask is no plain http or https address; expected one like https://api.openai.com/v1 or"
                " http://localhost:11434/v1, and the key in an environment variable"
            )
        parts = urlsplit(self.url)
        if self.key and parts.scheme == "http" and parts.hostname not in _THIS_MACHINE:
            raise SkeltextError(
                f"the key would go to {self.host} unencrypted; give an https address or leave out the key"
            )

    @property
    def host(self) -> str:
        """Name and port of the endpoint."""
        return urlsplit(self.url).netloc

    def ask(self, messages: Messages) -> str:
        """The answer to a chat, empty if there is none.

        An endpoint that is busy and says for how long is asked again. Raises :class:`SkeltextError` for all else.
        """
        body = json.dumps({"model": self.name, "messages": list(messages), **PARAMETERS}).encode()
        tries = MAX_TRIES
        while True:
            try:
                return self._answer_in(self._post(body))
            except HTTPError as error:
                with error:
                    wait, tries = _retry_after(error), tries - 1
                    if wait is None or wait > self.patience or not tries:
                        raise SkeltextError(f"{self.host} answered {error.code}: {self._meaning(error)}") from None
            except (OSError, http.client.HTTPException, UnicodeError) as error:
                raise SkeltextError(f"{self.host} {self._trouble(error)}; {_GO_ON}") from None
            time.sleep(wait)

    def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "User-Agent": f"skeltext/{__version__}"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        until = time.monotonic() + self.timeout
        request = Request(f"{self.url.rstrip('/')}/chat/completions", body, headers)
        with build_opener(_StayHere).open(request, timeout=self.timeout) as response:
            return _read(response, until=until)

    def _answer_in(self, content: bytes) -> str:
        try:
            said = json.loads(content)["choices"][0]["message"]["content"]
        except (ValueError, RecursionError, LookupError, TypeError):
            said = content
        if not isinstance(said, str | None):
            raise SkeltextError(
                f"{self.host} answered no chat completion ({self._shown(content)!r}); expected JSON with"
                " choices[0].message.content, so give the address of an OpenAI-compatible endpoint, often ending in /v1"
            )
        return said or ""

    def _meaning(self, error: HTTPError) -> str:
        """What a status means for the one who asked."""
        if error.code in (401, 403):
            return "the key is missing or not accepted; name the environment variable that holds it with --key-variable"
        if error.code == 404:
            return f"no model {self.name!r} or no chat there; mind --model, and --ask, which often ends in /v1"
        if error.code == 429:
            wait = self._shown(error.headers["Retry-After"] or "not given")
            return f"too many requests (Retry-After: {wait}); {_GO_ON}"
        if 300 <= error.code < 400:
            where = self._shown(error.headers["Location"] or "nowhere")
            return f"it redirects to {where}, which was not followed; ask there if you trust it"
        try:
            said = _read(error, until=time.monotonic() + self.timeout)
        except (OSError, http.client.HTTPException, SkeltextError):
            said = b""
        return f"{self._shown(said) or 'without a reason'}; {_GO_ON}"

    def _trouble(self, error: Exception) -> str:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return f"did not answer within {self.timeout:g} s"
        return f"cannot be asked ({self._shown(str(reason)) or type(reason).__name__})"

    def _shown(self, said: str | bytes) -> str:
        """The beginning of what the endpoint said, in printable characters and without the key."""
        text = said if isinstance(said, str) else said.decode(errors="replace")
        text = text.replace(self.key, "...") if self.key else text
        return "".join(c if c.isprintable() else " " for c in text)[:200].strip()


def _is_address(url: str) -> bool:
    """Whether a text is an http or https address without white space, user name, query or fragment."""
    plain = url.isascii() and url.isprintable() and not set("@?# ") & set(url)
    try:
        parts = urlsplit(url)
        return plain and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def key_in(variable: str) -> str:
    """The key in an environment variable; :class:`SkeltextError` if there is none, which does not show it."""
    key = os.environ.get(variable, "").strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise SkeltextError(
            f"the environment variable {variable} {'holds no key' if key else 'is not set or empty'};"
            " expected the key of the endpoint in it, as export NAME=KEY puts it there"
        )
    return key


def _read(response: _Readable, *, until: float) -> bytes:
    """The body of a response that ends in time and is not too long."""
    content = b""
    while chunk := response.read1(1 << 16):
        content += chunk
        if len(content) > MAX_BYTES:
            raise SkeltextError(
                f"the endpoint answers more than {MAX_BYTES} bytes, where a description has few hundred"
            )
        if time.monotonic() > until:
            raise TimeoutError
    return content


def _retry_after(error: HTTPError) -> float | None:
    """Seconds after which a busy endpoint wants to be asked again, None if it is not busy or does not say."""
    said = error.headers["Retry-After"] or ""
    return float(said) if error.code == 429 and said.isdecimal() else None
