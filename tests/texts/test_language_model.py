"""Talking to an endpoint over real HTTP, whatever it does."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import pytest

from skeltext.errors import SkeltextError
from skeltext.texts.language_model import MAX_TRIES, LanguageModel, key_in

Endpoint = Any  # of conftest.py
CHAT = [{"role": "user", "content": "Drop"}]
KEY = "sk-1234567890"


def refusal(endpoint: Endpoint, *, key: str | None = None, timeout: float = 20) -> str:
    """The one sentence of a question that is not answered."""
    with pytest.raises(SkeltextError) as caught:
        LanguageModel(url=endpoint.url, name="tiny", key=key, timeout=timeout).ask(CHAT)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert len(sentence) < 500
    assert KEY not in sentence
    return sentence


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited for, which pass at once."""
    made: list[float] = []
    monkeypatch.setattr("skeltext.texts.language_model.time.sleep", made.append)
    return made


def test_a_chat_is_one_post(endpoint: Endpoint) -> None:
    model = LanguageModel(url=endpoint.url + "/", name="tiny", key=KEY)
    endpoint.says("One hand opens.", None)
    assert (model.ask(CHAT), model.ask(CHAT)) == ("One hand opens.", "")
    path, headers, body = endpoint.asked[0]
    assert path == "/v1/chat/completions"
    assert body == {"model": "tiny", "messages": CHAT, "temperature": 0, "seed": 0}
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["Content-Type"] == "application/json"
    assert KEY not in repr(model)
    LanguageModel(url=endpoint.url, name="tiny").ask(CHAT)
    assert "Authorization" not in endpoint.asked[-1][1]


@pytest.mark.parametrize(
    ("status", "headers", "sentence"),
    [
        (401, {}, "answered 401: the key is missing or not accepted; name the environment variable .*--key-variable"),
        (403, {}, "answered 403: the key is missing or not accepted"),
        (404, {}, "answered 404: no model 'tiny' or no chat there; mind --model, and --ask"),
        (429, {}, r"answered 429: too many requests \(Retry-After: not given\); what was answered before is saved"),
        (429, {"Retry_After": "3600"}, r"\(Retry-After: 3600\)"),
        (429, {"Retry_After": "Wed, 21 Oct 2026 07:28:00 GMT"}, r"\(Retry-After: Wed, 21"),
        (429, {"Retry_After": "-1"}, r"\(Retry-After: -1\)"),
        (500, {}, "answered 500: oh no .* what was answered before is saved, and the same command goes on"),
        (400, {}, "answered 400: oh no"),
    ],
)
def test_a_status_is_one_sentence(endpoint: Endpoint, status: int, headers: dict[str, str], sentence: str) -> None:
    endpoint.answers(status, f"oh no \x1b[31m\n the key {KEY} ".encode() + b"\xff" * 1000, **headers)
    assert re.search(sentence, refusal(endpoint, key=KEY))
    assert len(endpoint.asked) == 1


def test_a_busy_endpoint_is_asked_again_when_it_says(endpoint: Endpoint, waits: list[float]) -> None:
    endpoint.answers(429, Retry_After="7")
    endpoint.answers(429, Retry_After="0")
    endpoint.says("One hand opens.")
    assert LanguageModel(url=endpoint.url, name="tiny").ask(CHAT) == "One hand opens."
    assert waits == [7, 0]
    for _ in range(MAX_TRIES):
        endpoint.answers(429, Retry_After="1")
    assert "too many requests" in refusal(endpoint)
    assert len(waits) == 2 + MAX_TRIES - 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_not_followed(endpoint: Endpoint, status: int) -> None:
    endpoint.answers(status, Location=f"{endpoint.url}/elsewhere")
    assert "elsewhere, which was not followed" in refusal(endpoint, key=KEY)
    assert [path for path, _, _ in endpoint.asked] == ["/v1/chat/completions"]


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("hangs", "did not answer within 0.3 s"),
        ("drips", "did not answer within 0.3 s"),
        ("hangs_up", "cannot be asked"),
        ("speaks_no_http", "cannot be asked"),
        ("never_ends", "answers more than 1048576 bytes"),
    ],
)
def test_an_endpoint_that_misbehaves_is_one_sentence(endpoint: Endpoint, how: str, sentence: str) -> None:
    endpoint.misbehaves(how)
    assert sentence in refusal(endpoint, timeout=20 if how == "never_ends" else 0.3)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>login</html>",
        b"{",
        b"[" * 100_000,
        b"null",
        b"[]",
        b"\xff\xfe",
        json.dumps({"error": "oh no"}).encode(),
        json.dumps({"choices": []}).encode(),
        json.dumps({"choices": [{"text": "wave"}]}).encode(),
        json.dumps({"choices": [{"message": {"content": ["wave"]}}]}).encode(),
    ],
)
def test_what_is_no_chat_completion_is_one_sentence(endpoint: Endpoint, body: bytes) -> None:
    endpoint.answers(200, body)
    assert "answered no chat completion" in refusal(endpoint)


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/v1", "http://a..b/v1", f"http://{'a' * 70}.invalid/v1"])
def test_an_endpoint_that_is_not_there_is_one_sentence(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SkeltextError, match="cannot be asked"):
        LanguageModel(url=url.format(port), name="tiny").ask(CHAT)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:11434",
        "file:///etc/passwd",
        "ftp://a/v1",
        "http://",
        "https://me:secret@a/v1",
        "http://a/v1?key=secret",
        "http://a /v1",
        "http://a/\nv1",
        "http://a:port/v1",
        "http://a:99999/v1",
        "http://[::1/v1",
        "http://größer/v1",
    ],
)
def test_what_is_no_address_is_one_sentence(url: str) -> None:
    with pytest.raises(SkeltextError, match="no plain http or https address") as caught:
        LanguageModel(url=url, name="tiny")
    assert "secret" not in str(caught.value)


def test_a_key_leaves_the_machine_encrypted_only() -> None:
    for url in ("https://a.example/v1", "http://localhost:1/v1", "http://[::1]:1/v1"):
        LanguageModel(url=url, name="tiny", key=KEY)
    LanguageModel(url="http://a.example/v1", name="tiny")
    with pytest.raises(SkeltextError, match=r"the key would go to a\.example unencrypted") as caught:
        LanguageModel(url="http://a.example/v1", name="tiny", key=KEY)
    assert KEY not in str(caught.value)


def test_the_key_is_in_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", f" {KEY}\n")
    assert key_in("MY_KEY") == KEY
    for wrong in ("", " ", "two words secret", "secret\nsecret", "größe-secret"):
        monkeypatch.setenv("MY_KEY", wrong)
        with pytest.raises(SkeltextError, match="environment variable MY_KEY") as caught:
            key_in("MY_KEY")
        assert "secret" not in str(caught.value)
    monkeypatch.delenv("MY_KEY")
    with pytest.raises(SkeltextError, match="MY_KEY is not set or empty"):
        key_in("MY_KEY")
