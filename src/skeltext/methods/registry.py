"""Methods by name.

A method takes ``encoder``, ``layout``, ``text_width`` and ``classes`` as it needs them, and its own options.
"""

from __future__ import annotations

from skeltext.methods.classifier import Classifier
from skeltext.methods.devise import DeViSE
from skeltext.methods.logo_clr import LogoCLR
from skeltext.methods.method import Method
from skeltext.methods.pgfa import PGFA
from skeltext.methods.relation_net import RelationNet
from skeltext.methods.skeleton_clr import SkeletonCLR

METHODS: dict[str, type[Method]] = {
    "pgfa": PGFA,
    "devise": DeViSE,
    "relation_net": RelationNet,
    "classifier": Classifier,
    "skeleton_clr": SkeletonCLR,
    "logo_clr": LogoCLR,
}
