"""The seams between Ultralytics and this package: the only file that changes the host.

What stands in the place of the host's functions is here, or in `parser` and `files` where it is longer.
Each seam first checks that what it changes looks as expected. If it does not, that seam is left alone and
`registration` warns; stock models are untouched either way. The callbacks look at trainers and validators through
their public events; `callbacks/observers.py` says how it sees what these do not show.

Every `import ultralytics` imports this file. It leaves our layers, heads and callbacks to the first model and the first
run: they take time, and a program may import one of them first, which imports the host, which imports this file.
"""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
import ultralytics
from torch import nn
from ultralytics.engine.model import Model
from ultralytics.engine.predictor import BasePredictor
from ultralytics.engine.trainer import BaseTrainer
from ultralytics.engine.validator import BaseValidator
from ultralytics.nn import tasks
from ultralytics.utils import SETTINGS, checks, downloads
from ultralytics.utils.callbacks import base as host_callbacks

from ultra_face.files.trust import is_refused
from ultra_face.plugin import files, parser
from ultra_face.plugin.checkpoints import STORED_CLASSES, stored_classes
from ultra_face.plugin.tta import predict_augmented

Callback = Callable[[Any], None]

# What `callbacks/table.py` listens to; a test compares the two.
EVENTS = (
    "on_pretrain_routine_end",
    "on_train_epoch_start",
    "on_val_start",
    "on_predict_start",
)


class SeamError(RuntimeError):
    """The host does not look as a seam expects; the message says what is missing."""


def apply_seams() -> dict[str, str]:
    """Put every seam in place; for each by its name, why it does not hold, nothing where it does.

    `registration.register` sees that this runs once.
    """
    return {name: _apply(seam) for name, seam in SEAMS.items()}


def _apply(seam: Callable[[], None]) -> str:
    try:
        seam()
    except SeamError as error:
        return str(error)
    except Exception as error:  # a changed host may raise anything
        return f"{type(error).__name__}: {error}"
    return ""


def _parser() -> None:
    """Let the stock parser run with our layers among its names and in its sets of modules."""
    stock = tasks.parse_model
    ours = {name for names in STORED_CLASSES.values() for name in names}
    clashes = sorted(ours & set(vars(tasks)))
    if clashes:
        raise SeamError(f"Ultralytics has layers of our names: {', '.join(clashes)}")
    sets = parser.find_sets(stock, tasks)
    if set(sets) != parser.KINDS:
        raise SeamError(f"{_place(stock)} has changed: of its sets of modules only {sorted(sets)} were found")
    _rebind(stock, parser.with_our_layers(stock, tasks, sets, warn=_warn_of_change))


def _criterion() -> None:
    """Let a head bring its own criterion; stock heads keep theirs."""

    def init_criterion(stock: Callable[..., Any], model: Any) -> Any:
        criterion = getattr(model.model[-1], "criterion", None)
        return stock() if criterion is None else criterion(model)

    _override("init_criterion", init_criterion)


def _task() -> None:
    """Refuse our heads in models of another task, whose losses and predictions know no landmarks."""
    for root in (tasks.DetectionModel, tasks.SemanticSegmentationModel, tasks.ClassificationModel):
        root.__init__ = _of_task_pose(root.__init__)


def _of_task_pose(stock: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(stock)
    def __init__(self: nn.Module, *args: Any, **kwargs: Any) -> None:  # noqa: N807  (it takes the place of one)
        stock(self, *args, **kwargs)
        head = self.model[-1]  # type: ignore[index]
        is_ours = type(head).__module__.startswith("ultra_face.heads.")  # without importing our heads for stock models
        if is_ours and not isinstance(self, tasks.PoseModel):
            raise ValueError(
                f"{self.yaml.get('yaml_file', 'model YAML')}: task: expected pose, for which the head "  # type: ignore[union-attr,operator]
                f"{type(head).__name__} is made, got {type(self).__name__}; leave task out or say task=pose"
            )

    return __init__


def _refinement() -> None:
    """Let a head with `refine` finish an inference pass: it gets the image and the stock pass, a function."""
    # By name, since the host has moved `embed` among its arguments before.
    signature = inspect.signature(_method("_predict_once"))

    def predict_once(stock: Callable[..., Any], model: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        y = stock(x, *args, **kwargs)
        head = model.model[-1]
        refine = getattr(head, "refine", None)
        learns = model.training or head.training
        if refine is None or learns or signature.bind(model, x, *args, **kwargs).arguments.get("embed"):
            return y
        return refine(y, image=x, detect=stock)

    _override("_predict_once", predict_once)


def _augmentation() -> None:
    """Let a head that supports it answer `augment=True` with several scales and a flip."""

    def predict_augment(stock: Callable[..., Any], model: Any, x: Any) -> Any:
        supported = getattr(model.model[-1], "supports_tta", False)
        return predict_augmented(model, x) if supported else stock(x)

    _override("_predict_augment", predict_augment)


def _weights() -> None:
    """Let a head with `load_weights` take over what it can of other weights: it gets the stock loading, a function."""
    if "weights" not in inspect.signature(_method("load")).parameters:
        raise SeamError("PoseModel.load has changed: it takes no weights")

    def load(stock: Callable[..., Any], model: Any, weights: Any, *args: Any, **kwargs: Any) -> None:
        load_weights = getattr(model.model[-1], "load_weights", None)
        if load_weights is None:
            stock(weights, *args, **kwargs)
        else:
            load_weights(model, weights, load=lambda suited: stock(suited, *args, **kwargs))

    _override("load", load)


def _files() -> None:
    """Fall back to the packaged YAML files and weights where the stock look-up finds nothing."""
    _rebind(checks.check_file, files.with_packaged_yaml(checks.check_file))
    download = files.with_packaged_weights(downloads.attempt_download_asset, folder=lambda: SETTINGS["weights_dir"])
    _rebind(downloads.attempt_download_asset, download)
    _rebind(checks.check_model_file_from_stem, files.with_stems_of_weights(checks.check_model_file_from_stem))


def _safe_loading() -> None:
    """Let Ultralytics build our modules with `weights_only`, and load so where foreign code is refused."""
    stock = tasks.torch_safe_load

    @functools.wraps(stock)
    def torch_safe_load(weight: Any, *args: Any, **kwargs: Any) -> Any:
        torch.serialization.add_safe_globals(stored_classes())
        if is_refused():
            if not hasattr(torch.serialization, "get_unsafe_globals_in_checkpoint"):  # Ultralytics would not say so
                raise ValueError(
                    f"{weight}: expected torch 2.6 or later, which can load a checkpoint without its code, got "
                    f"{torch.__version__}; install it, or trust the file: --trust, in Python trust=True"
                )
            args, kwargs = (), {"safe_only": True}
        return stock(weight, *args, **kwargs)

    _rebind(stock, torch_safe_load)


def _callbacks() -> None:
    """Run ours before those of every trainer, validator and predictor, whenever that was made."""
    unknown = set(EVENTS) - set(host_callbacks.default_callbacks)
    if unknown:
        raise SeamError(f"Ultralytics has no events {', '.join(sorted(unknown))}")
    stock = {runner: runner.run_callbacks for runner in (BaseTrainer, BaseValidator, BasePredictor)}
    for runner, run_callbacks in stock.items():
        runner.run_callbacks = _ours_first(run_callbacks)


def _ours_first(stock: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(stock)
    def run_callbacks(self: Any, event: str, *args: Any, **kwargs: Any) -> Any:
        for callback in _our_callbacks().get(event, ()):
            callback(self)
        return stock(self, event, *args, **kwargs)

    return run_callbacks


@functools.cache
def _our_callbacks() -> Mapping[str, list[Callback]]:
    """Our callbacks by their event; none, with a warning, where a changed host lacks something that they need."""
    try:
        from ultra_face.plugin.callbacks.table import CALLBACKS
    except (ImportError, AttributeError) as error:
        _warn_of_change("callbacks", error)
        return {}
    events: dict[str, list[Callback]] = {event: [] for event, _ in CALLBACKS}
    for event, callback in CALLBACKS:
        events[event].append(callback)
    return events


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
        try:
            from ultra_face.plugin.face_model import with_face_iou
        except (ImportError, AttributeError) as error:
            _warn_of_change("suppression", error)
            return stock(self, *args, **kwargs)
        return stock(self, *args, **with_face_iou(self, kwargs, find_yaml=checks.check_yaml))

    return method


def _quantised_export() -> None:
    """Let a head of ours have a convolution for each kind of value where an export computes in whole numbers."""
    _at_export_start(_prepare_export)


def _prepare_export(exporter: Any) -> None:
    try:
        from ultra_face.plugin.quantised_export import prepare
    except (ImportError, AttributeError) as error:
        _warn_of_change("quantised export", error)
    else:
        prepare(exporter)


def _export_notes() -> None:
    """Let an export carry the table of scores that its checkpoint carries."""
    _at_export_start(_note_scores)


def _note_scores(exporter: Any) -> None:
    try:
        from ultra_face.plugin.export_notes import note_scores

        note_scores(exporter)
    except (ImportError, AttributeError) as error:
        _warn_of_change("export notes", error)


def _at_export_start(callback: Callback) -> None:
    if "on_export_start" not in host_callbacks.default_callbacks:
        raise SeamError("Ultralytics has no event on_export_start")
    host_callbacks.default_callbacks["on_export_start"].append(callback)


SEAMS: dict[str, Callable[[], None]] = {
    "parser": _parser,
    "criterion": _criterion,
    "task": _task,
    "refinement": _refinement,
    "augmentation": _augmentation,
    "row transfer": _weights,
    "files": _files,
    "safe loading": _safe_loading,
    "callbacks": _callbacks,
    "suppression": _suppression,
    "quantised export": _quantised_export,
    "export notes": _export_notes,
}


def _warn_of_change(what: str, error: Exception) -> None:
    warnings.warn(
        f"ultra-face: {what}: Ultralytics {ultralytics.__version__} has changed ({type(error).__name__}: {error}). "
        "It goes on without ours; `python -m ultra_face doctor` tells which versions are supported.",
        RuntimeWarning,
        stacklevel=4,
    )


def _override(name: str, ours: Callable[..., Any]) -> None:
    """Put `ours(stock, model, ...)` in the place of a method of PoseModel.

    What PoseModel inherits is looked up at each call, since another plugin may patch the base class later.
    """
    owner = tasks.PoseModel
    stock, own = _method(name), vars(owner).get(name)

    @functools.wraps(stock)
    def method(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        current = getattr(super(owner, self), name) if own is None else functools.partial(own, self)
        return ours(current, self, *args, **kwargs)

    setattr(owner, name, method)


def _method(name: str) -> Callable[..., Any]:
    method: Callable[..., Any] | None = getattr(tasks.PoseModel, name, None)
    if method is None:
        raise SeamError(f"PoseModel has no {name}")
    return method


def _place(function: object) -> str:
    """Where a function of the host, or what stands for it, comes from."""
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', function)}"


def _rebind(stock: object, ours: object) -> None:
    """Replace a function in every module of the host that has imported it by name."""
    for module_name, module in list(sys.modules.items()):
        if module_name.partition(".")[0] == ultralytics.__name__:
            for attribute, value in list(vars(module).items()):
                if value is stock:
                    setattr(module, attribute, ours)
