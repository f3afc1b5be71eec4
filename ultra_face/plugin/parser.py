"""From a model YAML to layers and heads of ours: the stock parser with our names and sets, and checks before it runs.

A YAML of stock layers alone passes through untouched, so that stock models stay Ultralytics' own.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torch import nn

from ultra_face.files.trust import is_refused
from ultra_face.formats.files import named
from ultra_face.formats.yaml_files import check_extent
from ultra_face.losses.settings import FaceLossSettings
from ultra_face.plugin.limits import SizeLimit, check_layers_alone, check_numbers, check_rows, rows_of
from ultra_face.refinement.settings import RefinementSettings

if TYPE_CHECKING:
    from ultra_face.nn.layers import Build

Layer = type[nn.Module]
Sets = Mapping[str, frozenset[Layer]]
Parser = Callable[..., Any]

KINDS = {"heads", "scaled", "repeated"}
"""Of the parser's sets of modules that ours join."""

KPT_SHAPES = ([5, 3], [5, 2], (5, 3), (5, 2))  # as YAML and Python write them

_parsing = threading.RLock()


class UnknownLayerError(KeyError, ValueError):
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
    """Check the rows of a model dictionary, read our blocks, and resolve the names in our heads' arguments.

    An argument of our heads that names a key of the YAML, such as `anchors`, stands for that key's value; `face_loss`
    and `sr` stand for the settings that their blocks describe.

    Args:
        model: parsed YAML with `backbone` and `head` rows of [from, repeats, layer, arguments]; our blocks and the rows
            of our heads are changed in place.
        known: every name that the parser resolves.
        scaled: names of the layers, ours or stock, whose first argument is the number of output channels.
        layers: names of our layers.
        heads: names of our heads.

    Returns:
        The model dictionary.

    Raises:
        UnknownLayerError: a layer of no known name.
        ValueError: in a YAML with our layers rows or sizes that `limits` refuses, a channel count below 1, a bad
            `face_loss:` or `sr:` block, or our heads with another count of landmarks than five.
    """
    where = model.get("yaml_file", "model YAML")
    if is_refused():
        check_extent(model, where)
        rows_of(model, where)
    rows = model["backbone"] + model["head"]
    for index, (_, _, name, _) in enumerate(rows):
        if name not in known and not name.startswith(("nn.", "torchvision.ops.")):
            raise UnknownLayerError(
                f"{where}: layer {index}: unknown layer {name!r}; ultra-face has "
                f"{', '.join(sorted({*layers, *heads}))}, beside the layers of Ultralytics; correct the name"
            )
    named = {row[2] for row in rows}
    is_ours = bool(named & {*layers, *heads})
    if is_ours or is_refused():
        check_extent(model, where)
        check_rows(rows_of(model, where), where)
        check_numbers(model, where)
    if not is_ours:
        return model

    try:
        model["face_loss"] = FaceLossSettings.from_yaml(model.get("face_loss"))
        model["sr"] = RefinementSettings.from_yaml(model.get("sr"))
    except (OverflowError, TypeError, ValueError) as error:
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


def find_sets(stock: Parser, tasks: ModuleType) -> dict[str, frozenset[Layer]]:
    """The stock sets of modules by their kind, from a trial run; `tasks` is the module of the parser.

    One layer without parameters passes every set of the parser and draws no random number.
    """
    found: dict[str, frozenset[Layer]] = {}
    with _names_of(tasks, frozenset=_extended(tasks, {}, found)):
        stock({"nc": 1, "backbone": [[-1, 1, "nn.Identity", []]], "head": []}, 3, verbose=False)
    return found


def with_our_layers(stock: Parser, tasks: ModuleType, sets: Sets, *, warn: Callable[[str, Exception], None]) -> Parser:
    """The stock parser, which runs with our layers among its names and in its sets of modules.

    It is called as we find it, so that what another plugin has wrapped around it keeps its effect.

    Args:
        stock: parser of Ultralytics.
        tasks: its module.
        sets: its sets of modules by their kind.
        warn: is told what of ours does not import, and why; the stock parser goes on then.
    """

    @functools.wraps(stock)
    def parse_model(d: dict[str, Any], ch: int, verbose: bool = True) -> Any:
        try:
            layers, heads = _layers_and_heads()
        except (ImportError, AttributeError) as error:
            warn("layers and heads", error)
            return stock(d, ch, verbose)
        from ultra_face.nn.layers import Build

        scaled = [layer for layer, build in layers.items() if build is not Build.SAME]
        repeated = [layer for layer, build in layers.items() if build is Build.REPEATED]
        extended = _extended(tasks, {"heads": heads, "scaled": scaled, "repeated": repeated}, {})
        with _names_of(tasks, **{layer.__name__: layer for layer in (*layers, *heads)}, frozenset=extended):
            model = prepare(
                d,
                known=vars(tasks),
                scaled={layer.__name__ for layer in (*sets["scaled"], *scaled)},
                layers=[layer.__name__ for layer in layers],
                heads=[head.__name__ for head in heads],
            )
            ours = {each.__name__ for each in (*layers, *heads)}
            is_ours = any(row[2] in ours for row in model["backbone"] + model["head"])
            if is_ours or is_refused():
                check_layers_alone(model, tasks)
                built = _built(stock, model, ch, verbose)
            else:
                built = stock(model, ch, verbose)
        head: Any = built[0][-1]
        if any(isinstance(head, kind) for kind in heads):
            try:
                head.take_loss(model["face_loss"])
            except ValueError as error:
                raise ValueError(f"{model.get('yaml_file', 'model YAML')}: {error}") from error
        return built

    return parse_model


def _built(stock: Parser, model: dict[str, Any], ch: int, verbose: bool) -> Any:
    """What the stock parser makes of a YAML with our layers.

    Raises:
        ValueError: layers that do not fit each other, or more weights than `SizeLimit` allows.
    """
    where = model.get("yaml_file", "model YAML")
    with named(where, "layers that fit each other", "correct the rows of the model YAML"), SizeLimit(where):
        return stock(model, ch, verbose)


def _extended(
    tasks: ModuleType, additions: Mapping[str, Collection[Layer]], found: dict[str, frozenset[Layer]]
) -> Callable[..., frozenset[Any]]:
    """What stands for `frozenset` in the parser: the sets of modules that it builds get our classes of their kind.

    Args:
        tasks: module of the parser.
        additions: our classes, by the kind of set.
        found: is told the stock sets, by their kind.
    """

    def extended(members: Iterable[Any] = ()) -> frozenset[Any]:
        stock_set = frozenset(members)
        if tasks.Pose in stock_set:
            kind = "heads"
        elif tasks.C3 in stock_set:
            kind = "scaled" if tasks.Conv in stock_set else "repeated"
        else:
            return stock_set
        found[kind] = stock_set
        return stock_set.union(additions.get(kind, ()))

    return extended


@contextlib.contextmanager
def _names_of(tasks: ModuleType, **names: Any) -> Iterator[None]:
    """Give the module of the parser these names for a while; one thread at a time."""
    space = vars(tasks)
    with _parsing:
        before = {name: space[name] for name in names if name in space}
        space.update(names)
        try:
            yield
        finally:
            for name in names:
                del space[name]
            space.update(before)


def _layers_and_heads() -> tuple[Mapping[Layer, Build], tuple[Layer, ...]]:
    from ultra_face.heads.table import HEADS  # here: every `import ultralytics` would pay for them
    from ultra_face.nn.layers import LAYERS

    return LAYERS, HEADS
