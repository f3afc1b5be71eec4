"""Checks of a model YAML that names our layers, and the values that its rows stand for.

A YAML of stock layers alone passes through untouched, so that stock models stay Ultralytics' own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ultra_face.losses.settings import FaceLossSettings
from ultra_face.refinement.settings import RefinementSettings

KPT_SHAPES = ([5, 3], [5, 2], (5, 3), (5, 2))  # as YAML and Python write them


class UnknownLayerError(KeyError):
    """A model YAML names a layer that neither Ultralytics nor ultra-face has."""

    def __str__(self) -> str:
        """Give the sentence itself; KeyError would quote it."""
        return str(self.args[0])


def prepare(
    model: dict[str, Any],
    *,
    known: Collection[str],
    scaled: Collection[str],
    layers: Collection[str],
    heads: Collection[str],
) -> dict[str, Any]:
    """Check the rows of a model dictionary and resolve the names in our heads' arguments.

    An argument of our heads that names a key of the YAML, such as `anchors`, stands for that key's value.

    Args:
        model: parsed YAML with `backbone` and `head` rows of [from, repeats, layer, arguments]; rows of our
            heads are changed in place.
        known: every name that the parser resolves.
        scaled: names of the layers, ours or stock, whose first argument is the number of output channels.
        layers: names of our layers.
        heads: names of our heads.

    Returns:
        The model dictionary.

    Raises:
        UnknownLayerError: a layer of no known name.
        ValueError: a channel count below 1 in a YAML with our layers, a bad `face_loss:` or `sr:` block, or our
            heads with another count of landmarks than five.
    """
    rows = model["backbone"] + model["head"]
    where = model.get("yaml_file", "model YAML")
    for index, (_, _, name, _) in enumerate(rows):
        if name not in known and not name.startswith(("nn.", "torchvision.ops.")):
            raise UnknownLayerError(
                f"{where}: layer {index}: unknown layer {name!r}; ultra-face has "
                f"{', '.join(sorted({*layers, *heads}))}, beside the layers of Ultralytics; correct the name"
            )
    named = {row[2] for row in rows}
    if not named & {*layers, *heads}:
        return model

    try:
        FaceLossSettings.from_yaml(model.get("face_loss"))
        RefinementSettings.from_yaml(model.get("sr"))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    kpt_shape = model.get("kpt_shape")
    if named & {*heads} and kpt_shape not in KPT_SHAPES:
        raise ValueError(
            f"{where}: kpt_shape: expected [5, 3] or [5, 2], five landmarks of x, y and visibility or x, y "
            f"alone, got {kpt_shape}; correct kpt_shape in the data YAML, which replaces that of the model YAML"
        )
    for index, row in enumerate(rows):
        name, arguments = row[2], row[3]
        if name in scaled and not _is_count(arguments):
            raise ValueError(
                f"{where}: layer {index} ({name}): expected output channels of at least 1, "
                f"got {arguments[0] if arguments else 'none'}; correct the first argument"
            )
        if name in heads:
            row[3] = [model.get(item, item) if isinstance(item, str) else item for item in arguments]
    return model


def _is_count(arguments: list[Any]) -> bool:
    """Whether the first argument is a count of channels, or a name such as `nc` that the parser resolves."""
    first = arguments[0] if arguments else None
    return isinstance(first, str) or (isinstance(first, int) and first > 0)
