"""What every head of ours does: it takes over other weights, and refuses exports in which Ultralytics would decode.

A row of an output convolution predicts one value. Boxes, objectness and landmarks mean the same whatever the classes
are, so their rows pass on. A class takes the row of its name; one that the weights do not know starts as the mean of
theirs. Ultralytics maps the classes of its own heads by name, and leaves the others at random.

For Edge TPU, Ultralytics exchanges the decoding of its heads for one in normalised coordinates, and multiplies what
comes back. For IMX it knows a head of landmarks by the very class `Pose`. For Hailo it cuts the graph at the
convolutions of that class.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.head import Pose
from ultralytics.utils import LOGGER, colorstr

from ultra_face.losses.settings import FaceLossSettings

STOCK_DECODING = frozenset({"edgetpu", "imx", "hailo"})


def refuse_stock_decoding(head: Any, *, instead: str, formats: Collection[str] = STOCK_DECODING) -> None:
    """Stop an export that would not decode as the head does; `instead` is what else the user can do.

    Raises:
        NotImplementedError: the head is in an export to one of the formats.
    """
    if head.export and head.format in formats:
        raise NotImplementedError(
            f"{type(head).__name__}: Ultralytics' {head.format} export decodes as its own heads do, which gives wrong "
            f"faces here; export onnx, openvino or torchscript, or {instead}"
        )


class FaceHead:
    """What our heads have in common; mixed in before the head of Ultralytics.

    Attributes:
        face_loss: what the parser has read in the model YAML; None in heads of checkpoints until 0.1.0.
        has_anchors: whether it predicts from anchors.
    """

    nc: int
    kpt_shape: tuple[int, ...]
    face_loss: FaceLossSettings | None = None
    has_anchors = False

    def take_loss(self, settings: FaceLossSettings) -> None:
        """Train with these constants of FaceLoss.

        Raises:
            ValueError: some of them mean something to anchors alone, and the head has none.
        """
        unused = [] if self.has_anchors else settings.only_with_anchors()
        if unused:
            raise ValueError(
                f"face_loss: {', '.join(unused)}: expected a head with anchors, got {type(self).__name__}; remove the "
                "setting, or use AnchorPose"
            )
        self.face_loss = settings

    def loss_settings(self, model: Any) -> FaceLossSettings:
        """Constants of FaceLoss for the model that ends in this head."""
        if self.face_loss is None:
            self.face_loss = FaceLossSettings.from_yaml(model.yaml.get("face_loss"))
        return self.face_loss

    def mixtures(self, classes: Tensor, landmarks: Tensor) -> dict[str, Tensor]:
        """How the rows of each output convolution, by its name, mix those of another head.

        Args:
            classes: mixture of the class rows (nc, other nc).
            landmarks: mixture of the landmark rows (nk, other nk).

        Returns:
            Matrices (rows, other rows); a row of zeros is a value that the other head does not have.
        """
        raise NotImplementedError

    def split_by_kind(self) -> None:
        """Give each kind of value a convolution of its own, see `split_convolution`; predictions stay the same."""
        raise NotImplementedError

    def load_weights(self, model: Any, weights: Any, *, load: Callable[[Any], None]) -> None:
        """Load weights into the model that ends in this head.

        Args:
            model: the model.
            weights: a model, or a checkpoint that holds one.
            load: Ultralytics' own loading, which takes the tensors of equal names and shapes.
        """
        load(self._suited(weights_model(weights), getattr(model, "names", None)))

    def _suited(self, source: Any, names: Any) -> Any:
        """The source itself, or a copy whose head has the rows of this one."""
        other = last_layer(source)
        if not isinstance(other, Pose):
            return source
        ours, theirs = class_names(names, self.nc), class_names(getattr(source, "names", None), other.nc)
        classes = class_mixture(ours, theirs)
        landmarks = landmark_mixture(self.kpt_shape, other.kpt_shape)
        if _is_identity(classes) and _is_identity(landmarks):
            return source

        suited = deepcopy(source)
        own, others = _convolutions(self), _convolutions(last_layer(suited))
        mixed = [
            _mix(own[name], others[name], mixture)
            for name, mixture in self.mixtures(classes, landmarks).items()
            if name in own and name in others
        ]
        if not any(mixed):
            return source
        described = []
        if not _is_identity(classes):
            suited.names = names  # the rows are in our order now, which Ultralytics must not change again
            described.append(_describe_classes(ours, theirs))
        if not _is_identity(landmarks):
            described.append(f"landmarks {tuple(self.kpt_shape)} from {tuple(other.kpt_shape)}")
        LOGGER.info(f"{colorstr('weights: ')}{'; '.join(described)}; all else of the head as it is")
        return suited


def weights_model(weights: Any) -> Any:
    """The model of a checkpoint, the average first as Ultralytics has it; a model is itself."""
    return (weights.get("ema") or weights["model"]) if isinstance(weights, dict) else weights


def last_layer(model: Any) -> Any | None:
    """The head of a model of Ultralytics; None for other models."""
    layers = getattr(model, "model", None)
    return layers[-1] if isinstance(layers, nn.Sequential) else None


def class_names(names: Any, nc: int) -> list[str | None]:
    """Names of `nc` classes as they compare; None for each where a model knows no more than their numbers."""
    known = isinstance(names, dict) and set(names) == set(range(nc))
    if not known or all(str(index) == str(name) for index, name in names.items()):
        return [None] * nc
    return [str(names[index]).strip().lower() for index in range(nc)]


def class_mixture(names: Sequence[str | None], others: Sequence[str | None]) -> Tensor:
    """How rows of classes mix those of others: (nc, other nc), each row with the sum 1."""
    mixture = torch.full((len(names), len(others)), 1 / len(others))
    for row, place in zip(mixture, _places(names, others), strict=True):
        if place is not None:
            row.zero_()[place] = 1
    return mixture


def landmark_mixture(kpt_shape: Sequence[int], other: Sequence[int]) -> Tensor:
    """How rows of landmarks mix those of another head: (nk, other nk).

    Equally many landmarks are the same ones, each of x, y and perhaps visibility; others have nothing in common.
    """
    same = torch.eye(kpt_shape[0]) if kpt_shape[0] == other[0] else torch.zeros(kpt_shape[0], other[0])
    return torch.kron(same, torch.eye(kpt_shape[1], other[1]))


def mix_rows(own: Tensor, others: Tensor, mixture: Tensor) -> Tensor:
    """The rows mixture (n, m) x others (m, ...); those of `own` (n, ...) where the mixture has none."""
    others = others.detach().float()
    mixture = mixture.to(others.device)
    mixed = (mixture @ others.flatten(1)).view(-1, *others.shape[1:]) if others.dim() > 1 else mixture @ others
    missing = ~mixture.any(dim=1)
    if missing.any():
        mixed[missing] = own.detach().to(mixed)[missing]
    return mixed


def _convolutions(head: Any) -> dict[str, nn.Conv2d]:
    return {name: module for name, module in head.named_modules() if isinstance(module, nn.Conv2d)}


def _mix(own: nn.Conv2d, other: nn.Conv2d, mixture: Tensor) -> bool:
    """Give the other convolution our rows; False, and nothing done, where these cannot be made of its own."""
    needs_own = not mixture.any(dim=1).all()
    if mixture.shape[1] != other.out_channels or (needs_own and own.in_channels != other.in_channels):
        return False
    for name in ("weight", "bias"):
        rows = mix_rows(getattr(own, name), getattr(other, name), mixture)
        setattr(other, name, nn.Parameter(rows))
    other.out_channels = len(mixture)
    return True


def _places(names: Sequence[str | None], others: Sequence[str | None]) -> list[int | None]:
    """Where each class stands among others, None for a new one.

    Where no name is found, equally many classes keep their places, as in Ultralytics: they have been renamed.
    """
    by_name = {name: place for place, name in enumerate(others) if name is not None}
    places = [None if name is None else by_name.get(name) for name in names]
    renamed = len(names) == len(others) and all(place is None for place in places)
    return [*range(len(names))] if renamed else places


def _describe_classes(names: Sequence[str | None], others: Sequence[str | None]) -> str:
    ours, theirs = ([name or str(number) for number, name in enumerate(known)] for known in (names, others))
    found: dict[bool, list[str]] = {True: [], False: []}
    for shown, place in zip(ours, _places(names, others), strict=True):
        found[place is not None].append(shown)
    by_name = [f"{', '.join(found[True])} by name"] if found[True] else []
    means = [f"{', '.join(found[False])} as the mean of {', '.join(theirs)}"] if found[False] else []
    return f"classes {', '.join([*by_name, *means])}"


def _is_identity(mixture: Tensor) -> bool:
    return mixture.shape[0] == mixture.shape[1] and torch.equal(mixture, torch.eye(len(mixture)))
