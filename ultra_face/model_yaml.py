"""Checks of a model YAML that names our layers, and the values that its rows stand for.

A YAML of stock layers alone passes through untouched, so that stock models and their errors stay Ultralytics' own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from torch import nn

from ultra_face.losses.settings import FaceLossSettings
from ultra_face.nn.layers import Build


class UnknownLayerError(KeyError):
    """A model YAML names a layer that neither Ultralytics nor ultra-face has."""

    def __str__(self) -> str:
        """The sentence itself; KeyError would quote it."""
        return str(self.args[0])


def prepare(
    model: dict[str, Any],
    *,
    known: Mapping[str, Any],
    layers: Mapping[type[nn.Module], Build],
    heads: Collection[type[nn.Module]],
) -> dict[str, Any]:
    """Check the rows of a model dictionary and resolve the names in our heads' arguments.

    An argument of our heads that names a key of the YAML, such as `anchors`, stands for that key's value.

    Args:
        model: parsed YAML with `backbone` and `head` rows of [from, repeats, layer, arguments]; changed in place.
        known: every name that the parser may resolve.
        layers: our layers.
        heads: our heads.

    Raises:
        UnknownLayerError: a layer of no known name.
        ValueError: a channel count below 1 in a YAML with our layers, or a bad `face_loss:` block.
    """
    ours = {layer.__name__ for layer in (*layers, *heads)}
    rows = model["backbone"] + model["head"]
    for index, (_, _, name, _) in enumerate(rows):
        if name not in known and not name.startswith(("nn.", "torchvision.ops.")):
            raise UnknownLayerError(
                f"{_where(model)}: layer {index}: unknown layer {name!r}; ultra-face has "
                f"{', '.join(sorted(ours))}, beside the layers of Ultralytics; correct the name"
            )
    if not ours & {row[2] for row in rows}:
        return model

    FaceLossSettings.from_yaml(model.get("face_loss"))
    scaled = {layer.__name__ for layer, build in layers.items() if build is not Build.SAME} | {"Conv", "C3", "SPPF"}
    head_names = {head.__name__ for head in heads}
    for index, row in enumerate(rows):
        name, arguments = row[2], row[3]
        if name in scaled and not (arguments and isinstance(arguments[0], int) and arguments[0] > 0):
            raise ValueError(
                f"{_where(model)}: layer {index} ({name}): expected output channels of at least 1, "
                f"got {arguments[0] if arguments else 'none'}; correct the first argument"
            )
        if name in head_names:
            row[3] = [model.get(item, item) if isinstance(item, str) else item for item in arguments]
    return model


def _where(model: Mapping[str, Any]) -> str:
    return str(model.get("yaml_file", "model YAML"))
