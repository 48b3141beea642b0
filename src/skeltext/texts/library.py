"""The actions that we describe, of all data sets together: what else a training may know beside its own classes."""

from __future__ import annotations

from collections.abc import Sequence

from skeltext.datasets.same_actions import same_elsewhere
from skeltext.texts.descriptions import FIRST, described_sets, description_files, files_of, in_file
from skeltext.texts.embedding import described
from skeltext.texts.space import ClassTexts


def described_elsewhere(
    dataset: str, *, kinds: Sequence[str], unseen: Sequence[str] = (), authors: str = FIRST
) -> list[ClassTexts]:
    """Every action that we describe in a file which `dataset` has nothing of, one of each name.

    What means the same as one of the `unseen` classes, by its name or by :mod:`~skeltext.datasets.same_actions`, is
    left out.

    >>> actions = [one.label for one in described_elsewhere("ntu60", kinds=["name"], unseen=["Hand waving"])]
    >>> "squat" in actions, "Clapping" in actions, "Hand waving" in actions
    (True, True, False)
    """
    own = files_of(dataset)
    alike = [other for other in described_sets() if not files_of(other).isdisjoint(own)]
    same = {(file, name) for one in alike for where, name in same_elsewhere(one, unseen) for file in files_of(where)}
    taken = {name.casefold() for name in unseen}
    found: list[ClassTexts] = []
    for other in description_files():
        if other not in own:
            names = [name for name in in_file(other) if (other, name) not in same]
            fresh = [name for name in names if name.casefold() not in taken]
            taken |= {name.casefold() for name in fresh}
            found += described(other, fresh, kinds=kinds, authors=authors)
    return found
