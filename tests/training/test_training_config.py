"""The settings of a run: published defaults, a file that gives them back, and one sentence for a wrong value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skeltext.cli import app
from skeltext.errors import SkeltextError
from skeltext.runs.config import TrainingConfig
from skeltext.training.schedule import learning_rate


def test_the_defaults_are_the_published_settings() -> None:
    config = TrainingConfig()
    assert (config.epochs, config.batch_size, config.learning_rate, config.warmup) == (50, 128, 0.05, 5)
    assert (config.momentum, config.weight_decay, config.alpha) == (0.9, 5e-4, 0.9)
    assert (config.method, config.encoder, config.texts) == ("pgfa", "st_gcn", "complete")


@settings(max_examples=20, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "dataset": st.text(),
            "store": st.none() | st.sampled_from([Path("a b/[c]"), Path("/ä")]),
            "pretrained": st.none() | st.sampled_from([Path("runs/stage"), Path("/ä")]),
            "optimizer": st.sampled_from(["sgd", "adam"]),
            "pseudo_unseen": st.floats(0, 1, exclude_max=True),
            "encoder_options": st.dictionaries(st.text(max_size=5), st.integers() | st.text() | st.booleans()),
            "learning_rate": st.floats(1e-12, 1e9),
            "milestones": st.lists(st.integers(0, 1000), max_size=4).map(tuple),
            "seed": st.integers(0, 2**32 - 1),
            "threads": st.none() | st.integers(1, 99),
        },
    )
)
def test_a_file_gives_back_what_was_written(tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "config.yaml"
    config = TrainingConfig(**changes)
    config.to_yaml(path)
    assert TrainingConfig.from_yaml(path) == config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("batch_size", -1),
        ("learning_rate", float("nan")),
        ("pseudo_unseen", 1.0),
        ("pseudo_unseen", -0.1),
        ("alpha", 1.1),
        ("alpha", float("nan")),
        ("optimizer", "rmsprop"),
        ("momentum", 1.0),
        ("weight_decay", -1e-4),
        ("warmup", -1),
        ("seed", -1),
        ("seed", 2**32),
        ("threads", 0),
    ],
)
def test_a_value_out_of_range_is_named(name: str, value: float | str) -> None:
    with pytest.raises(SkeltextError, match=f"{name} (is )?{value}.*expected"):
        replace(TrainingConfig(), **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1, 2]",
        b"epochs: [",
        b"\xff\xfe",
        b"nothing: 1",
        b"epochs: many",
        b"epochs: null",
        b"milestones: 5",
        b"store: [1]",
        b"pretrained: [1]",
        b"1: 2",
    ],
)
def test_a_file_that_is_no_configuration_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(SkeltextError, match=r"config\.yaml") as caught:
        TrainingConfig.from_yaml(path)
    assert len(str(caught.value)) < 900
    for other in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SkeltextError, match="is no readable configuration"):
            TrainingConfig.from_yaml(other)


def typed(*arguments: str) -> TrainingConfig:
    _, bound, *_ = app.parse_args(["train", *arguments], exit_on_error=False, print_error=False)
    return bound.arguments["config"]


def test_options_typed_on_the_command_line_have_kinds() -> None:
    config = typed(
        *("--encoder-options.hidden", "32", "--encoder-options.dropout", "0.25"),
        *("--method-options.target", "rows", "--method-options.some-flag", "true"),
        *("--milestones", "3", "7", "--store", "some/where", "--pretrained", "runs/stage", "--optimizer", "adam"),
    )
    assert (config.pretrained, config.optimizer) == (Path("runs/stage"), "adam")
    assert config.encoder_options == {"hidden": 32, "dropout": 0.25}
    assert config.method_options == {"target": "rows", "some-flag": True}
    assert config.milestones == (3, 7)
    assert config.store == Path("some/where")


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["step", "cosine"]),
    st.integers(1, 60),
    st.integers(0, 70),
    st.lists(st.integers(0, 60), max_size=3),
)
def test_rates_rise_in_the_warm_up_and_never_again(
    schedule: Any, epochs: int, warmup: int, milestones: list[int]
) -> None:
    rates = [
        learning_rate(epoch, base=0.1, warmup=warmup, schedule=schedule, milestones=milestones, epochs=epochs)
        for epoch in range(epochs)
    ]
    assert all(0 <= rate <= 0.1 for rate in rates)
    rise, fall = rates[: warmup + 1], rates[warmup:]
    if schedule == "cosine" or not milestones:
        assert rise == sorted(rise)
    assert fall == sorted(fall, reverse=True)
    assert rates[0] == (0 if warmup else rates[0])
