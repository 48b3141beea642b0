"""Classes are left out exactly, and directions of errors are discounted."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from skeltext.methods.balance import balanced_weights
from skeltext.methods.held_out_errors import discount_of, held_out_directions
from skeltext.methods.zero_shot.ridge import ridge_map

pytestmark = pytest.mark.usefixtures("one_thread")


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("width", [6, 50])
def test_a_class_is_left_out_as_if_solved_without_it(width: int) -> None:
    labels = torch.tensor([0] * 5 + [1] * 9 + [3] * 2 + [4] * 8)  # no clip shows class 2
    z, texts = drawn(len(labels), width, seed=0), F.normalize(drawn(5, 3, seed=1), dim=1)
    weights = balanced_weights(labels)
    found = held_out_directions(z, texts, labels, weights, strength=2.0)
    for label in labels.unique():
        own, rest = labels == label, labels != label
        solved = ridge_map(z[rest], texts[labels[rest]], weights[rest], strength=2.0)
        torch.testing.assert_close(found[own], F.normalize(z[own].double() @ solved, dim=1))


def test_the_discount_is_largest_where_errors_are_and_does_not_depend_on_counts() -> None:
    labels = torch.arange(4).repeat_interleave(10)
    texts = F.normalize(drawn(4, 5, seed=1), dim=1).double()
    directions = texts[labels] + 0.01 * drawn(40, 5, seed=2).double()
    directions[:, 2] += drawn(40, seed=3)
    found = discount_of(directions, texts, labels, balanced_weights(labels))
    torch.testing.assert_close(found, found.T)
    diagonal = found.diagonal()
    assert diagonal.argmin() == 2
    assert diagonal[2] < 0.3 * diagonal.sort().values[1]
    often = torch.cat([torch.arange(40), torch.arange(10), torch.arange(10)])
    again = discount_of(directions[often], texts, labels[often], balanced_weights(labels[often]))
    torch.testing.assert_close(found, again)
