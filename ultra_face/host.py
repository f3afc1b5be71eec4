"""The seams between Ultralytics and this package: the only file that changes the host.

Each seam first checks that what it changes looks as expected. If it does not, that seam is left alone and
`registration` warns; stock models are untouched either way. The callbacks look at trainers and validators through
their public events; `callbacks/observers.py` says how it sees what these do not show.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
import ultralytics
from torch import nn
from ultralytics.engine.model import Model
from ultralytics.nn import tasks
from ultralytics.utils import SETTINGS, checks, downloads
from ultralytics.utils.callbacks import base as host_callbacks

from ultra_face import files, model_yaml
from ultra_face.callbacks.table import CALLBACKS
from ultra_face.default_iou import with_face_iou
from ultra_face.heads.table import HEADS
from ultra_face.nn.layers import LAYERS, Build
from ultra_face.seam import Seam, SeamError
from ultra_face.tta import predict_augmented


def apply_seams() -> tuple[Seam, ...]:
    """Put every seam in place and tell which hold; `registration.register` sees that this runs once."""
    return tuple(_apply(name, seam) for name, seam in SEAMS.items())


def _apply(name: str, seam: Callable[[], None]) -> Seam:
    try:
        seam()
    except SeamError as error:
        return Seam(name, False, str(error))
    except Exception as error:  # a changed host may raise anything
        return Seam(name, False, f"{type(error).__name__}: {error}")
    return Seam(name, True)


def _parser() -> None:
    """Run the stock parser's own code with our layers among its names and in its sets of modules."""
    stock = tasks.parse_model
    clashes = sorted({layer.__name__ for layer in (*LAYERS, *HEADS)} & set(vars(tasks)))
    if clashes:
        raise SeamError(f"Ultralytics has layers of our names: {', '.join(clashes)}")

    ours = {layer.__name__: layer for layer in (*LAYERS, *HEADS)}
    channel_layers = {layer.__name__ for layer, build in LAYERS.items() if build is not Build.SAME}
    found: set[str] = set()

    def extended(members: Iterable[type[nn.Module]] = ()) -> frozenset[type[nn.Module]]:
        """Build the frozenset of the parser, plus our classes of the same kind."""
        stock_set = frozenset(members)
        if tasks.Pose in stock_set:
            found.add("heads")
            return stock_set.union(HEADS)
        if tasks.C3 in stock_set and tasks.Conv in stock_set:
            found.add("scaled")
            channel_layers.update(layer.__name__ for layer in stock_set)
            return stock_set.union(layer for layer, build in LAYERS.items() if build is not Build.SAME)
        if tasks.C3 in stock_set:
            found.add("repeated")
            return stock_set.union(layer for layer, build in LAYERS.items() if build is Build.REPEATED)
        return stock_set

    @functools.wraps(stock)
    def parse_model(d: dict[str, Any], ch: int, verbose: bool = True) -> Any:
        names = {**vars(tasks), **ours, "frozenset": extended}
        model = model_yaml.prepare(
            d,
            known=names,
            scaled=channel_layers,
            layers=[layer.__name__ for layer in LAYERS],
            heads=[head.__name__ for head in HEADS],
        )
        return FunctionType(stock.__code__, names)(model, ch, verbose)

    # One layer without parameters passes every set of the parser and draws no random number.
    parse_model({"nc": 1, "backbone": [[-1, 1, "nn.Identity", []]], "head": []}, 3, verbose=False)
    if found != {"heads", "scaled", "repeated"}:
        raise SeamError(f"parse_model has changed: of its sets of modules only {sorted(found)} were found")
    _rebind(stock, parse_model)


def _criterion() -> None:
    """Let a head bring its own criterion; stock heads keep theirs."""
    stock = _method("init_criterion")

    @functools.wraps(stock)
    def init_criterion(self: nn.Module) -> Any:
        criterion = getattr(self.model[-1], "criterion", None)  # type: ignore[index]
        return stock(self) if criterion is None else criterion(self)

    tasks.PoseModel.init_criterion = init_criterion


def _refinement() -> None:
    """Let a head with `refine` finish an inference pass: it gets the image and the stock pass, a function."""
    stock = _method("_predict_once")
    signature = inspect.signature(stock)  # 8.4.110 and older have a further argument before `embed`

    @functools.wraps(stock)
    def _predict_once(self: nn.Module, x: Any, *args: Any, **kwargs: Any) -> Any:
        y = stock(self, x, *args, **kwargs)
        head: Any = self.model[-1]  # type: ignore[index]
        refine = getattr(head, "refine", None)
        learns = self.training or head.training
        if refine is None or learns or signature.bind(self, x, *args, **kwargs).arguments.get("embed"):
            return y
        return refine(y, image=x, detect=functools.partial(stock, self))

    tasks.PoseModel._predict_once = _predict_once


def _augmentation() -> None:
    """Let a head that supports it answer `augment=True` with several scales and a flip."""
    stock = _method("_predict_augment")

    @functools.wraps(stock)
    def _predict_augment(self: nn.Module, x: Any) -> Any:
        supported = getattr(self.model[-1], "supports_tta", False)  # type: ignore[index]
        return predict_augmented(self, x) if supported else stock(self, x)

    tasks.PoseModel._predict_augment = _predict_augment


def _files() -> None:
    """Fall back to the packaged YAML files and weights where the stock look-up finds nothing."""
    stock_check, stock_download = checks.check_file, downloads.attempt_download_asset

    @functools.wraps(stock_check)
    def check_file(file: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            found = stock_check(file, *args, **kwargs)
        except FileNotFoundError:
            packaged = files.find(file)
            if packaged is None:
                raise
            return str(packaged)
        return found or str(files.find(file) or "") or found

    @functools.wraps(stock_download)
    def attempt_download_asset(file: Any, *args: Any, **kwargs: Any) -> Any:
        is_users = files.exists(file) or files.exists(SETTINGS["weights_dir"] / Path(str(file).strip()))
        packaged = None if is_users else files.find_weights(file)
        return stock_download(file, *args, **kwargs) if packaged is None else str(files.fetch_weights(packaged, file))

    _rebind(stock_check, check_file)
    _rebind(stock_download, attempt_download_asset)


def _safe_loading() -> None:
    """Let `torch.load(weights_only=True)` build our modules."""
    packages = ("ultra_face.nn.", "ultra_face.heads.", "ultra_face.refinement.")
    modules = [module for name, module in sys.modules.items() if name.startswith(packages)]
    classes = {item for module in modules for item in vars(module).values() if isinstance(item, type)}
    torch.serialization.add_safe_globals([item for item in classes if item.__module__.startswith(packages)])


def _callbacks() -> None:
    """Append our callbacks to the defaults of every trainer and validator."""
    unknown = {event for event, _ in CALLBACKS} - set(host_callbacks.default_callbacks)
    if unknown:
        raise SeamError(f"Ultralytics has no events {', '.join(sorted(unknown))}")
    for event, callback in CALLBACKS:
        host_callbacks.default_callbacks[event].append(callback)


def _suppression() -> None:
    """Let face models suppress at their own IoU where the user names none, in every method of `YOLO` that takes one."""
    methods = ("predict", "val", "export", "train", "tune")  # `track` calls `predict`
    missing = [name for name in methods if name not in vars(Model)]
    if missing:
        raise SeamError(f"YOLO has no {', '.join(missing)}")
    for name in methods:
        setattr(Model, name, _with_face_iou(vars(Model)[name]))


def _with_face_iou(stock: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(stock)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return stock(self, *args, **with_face_iou(self, kwargs, find_yaml=checks.check_yaml))

    return method


SEAMS: dict[str, Callable[[], None]] = {
    "parser": _parser,
    "criterion": _criterion,
    "refinement": _refinement,
    "augmentation": _augmentation,
    "files": _files,
    "safe loading": _safe_loading,
    "callbacks": _callbacks,
    "suppression": _suppression,
}


def _method(name: str) -> Callable[..., Any]:
    method: Callable[..., Any] | None = getattr(tasks.PoseModel, name, None)
    if method is None:
        raise SeamError(f"PoseModel has no {name}")
    return method


def _rebind(stock: object, ours: object) -> None:
    """Replace a function in every module of the host that has imported it by name."""
    for module_name, module in list(sys.modules.items()):
        if module_name.partition(".")[0] == ultralytics.__name__:
            for attribute, value in list(vars(module).items()):
                if value is stock:
                    setattr(module, attribute, ours)
