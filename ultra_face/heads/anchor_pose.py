"""AnchorPose, the papers' head: anchors of three or four levels with boxes and landmarks.

Source: YOLOv5n-AESVC, figure 1 and Table 1; the coupled head of YOLOv5 with landmarks as in YOLO5Face (Qi et al. 2022).
Deviation: landmark offsets count from the middle of the cell, where the decoded box centre has its zero too.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.head import Pose

from ultra_face.heads.face_head import FaceHead, last_layer, refuse_stock_decoding, weights_model
from ultra_face.heads.split_convolution import SplitConvolution
from ultra_face.losses.face_loss import AnchorFaceLoss

# Expected faces a 640 px image and probability of the right class, for the biases at the start (YOLOv5).
FACES_PER_IMAGE = 8
CLASS_PRIOR = 0.6


class AnchorPose(FaceHead, Pose):  # type: ignore[misc]
    """One 1 x 1 convolution a level; for each anchor box 4, objectness 1, classes nc, keypoints nk.

    Training: `{"feats": maps, "raw": (B, A, 5 + nc + nk, H, W) a level}`. Inference: Ultralytics' pose layout
    (B, 4 + nc + nk, N) with centre, size [input px] (corners where the exporter sets `xyxy` for its NMS), score =
    objectness x class, landmarks [input px] and visibility.

    Args:
        nc: number of classes.
        kpt_shape: landmarks and values of each, (5, 3) or (5, 2).
        anchors: for each level a flat list of widths and heights [input px].
        reg_max: passed by Ultralytics' parser; there is no distribution here.
        end2end: passed by Ultralytics' parser; must be off, since anchors need NMS.
        ch: channels of each level.

    Attributes:
        trained: whether the convolutions have learned with the anchors that are in `anchor_wh`.

    Raises:
        ValueError: anchors that are no positive pairs, unequal in number, or not one row a level; `end2end` on.
        NotImplementedError: export to a format for which Ultralytics replaces the decoding.
    """

    has_anchors = True
    supports_tta = True
    trained = True  # so say the heads of checkpoints that do not state it

    def __init__(
        self,
        nc: int,
        kpt_shape: Sequence[int],
        anchors: Sequence[Sequence[float]],
        reg_max: int = 16,
        end2end: bool | None = False,
        ch: Sequence[int] = (),
    ) -> None:
        nn.Module.__init__(self)
        sizes = anchor_sizes(anchors, num_levels=len(ch))
        if end2end:
            raise ValueError("AnchorPose: end2end: expected false, got true; this head needs NMS, use FacePose instead")
        self.nc, self.nl, self.reg_max = nc, len(ch), reg_max
        self.kpt_shape = tuple(kpt_shape)
        self.nk = kpt_shape[0] * kpt_shape[1]
        self.na = sizes.shape[1]
        self.no = 5 + nc + self.nk
        self.trained = False
        self.stride = torch.zeros(self.nl)
        self.register_buffer("anchor_wh", sizes)
        self.predict = nn.ModuleList(nn.Conv2d(c, self.na * self.no, 1) for c in ch)
        # Ultralytics asks for its own branches: no cv2 would say "fused", an empty cv3 fails where weights are loaded.
        self.cv2, self.cv3 = nn.ModuleList(), None

    def forward(self, x: list[Tensor]) -> Any:
        """Predict on each level, and decode unless training."""
        maps = [conv(features) for conv, features in zip(self.predict, x, strict=True)]
        outputs = {"feats": x, "raw": [self._split(level) for level in maps]}
        if self.training:
            return outputs
        refuse_stock_decoding(self, instead="train yolov5-aesvc-free.yaml")
        decoded = self._decode(maps)
        if self.export:
            return decoded
        # Ultralytics knows one logit a cell by this name: it draws what a layer looks at (`visualize=True`) and weighs
        # the features of a teacher (`distill_model=`) by it.
        scores = torch.split(decoded[:, 4 : 4 + self.nc], [level[0, 0].numel() * self.na for level in maps], dim=2)
        cells = [torch.unflatten(level, 2, (self.na, -1)).amax(2) for level in scores]
        return decoded, outputs | {"scores": torch.cat(cells, dim=2).logit(eps=1e-6)}

    def criterion(self, model: nn.Module) -> AnchorFaceLoss:
        """FaceLoss for this head: gains and class weights (`cls_pw`) of the run, `face_loss:` of the model's YAML."""
        settings = self.loss_settings(model)
        return AnchorFaceLoss(self, model.args, settings, class_weights=getattr(model, "class_weights", None))

    def bias_init(self) -> None:
        """Start from a few faces an image and a likely class; needs the strides."""
        for conv, stride in zip(self.predict, self.stride, strict=True):
            bias = conv.bias.detach().view(self.na, self.no)  # type: ignore[operator]
            bias[:, 4] = math.log(FACES_PER_IMAGE / (640 / float(stride)) ** 2)
        self._init_class_bias()

    def _init_class_bias(self) -> None:
        """Start from a likely class."""
        for conv in self.predict:
            bias = conv.bias.detach().view(self.na, self.no)  # type: ignore[operator]
            bias[:, 5 : 5 + self.nc] = math.log(CLASS_PRIOR / (self.nc - 0.99999))

    def mixtures(self, classes: Tensor, landmarks: Tensor) -> dict[str, Tensor]:
        """See FaceHead; box and objectness pass on, for each anchor of a level."""
        anchor = torch.block_diag(torch.eye(5), classes, landmarks)  # type: ignore[no-untyped-call]
        rows = torch.kron(torch.eye(self.na), anchor)
        return {f"predict.{level}": rows for level in range(self.nl)}

    def split_by_kind(self) -> None:
        """See FaceHead."""
        kinds = {"boxes": 4, "objectness": 1, "classes": self.nc, "landmarks": self.nk}
        self.predict = nn.ModuleList(SplitConvolution(conv, kinds) for conv in self.predict)  # type: ignore[arg-type]

    def load_weights(self, model: Any, weights: Any, *, load: Callable[[Any], None]) -> None:
        """See FaceHead; a head is as trained as the one whose weights it gets, and the YAML tells its anchors.

        A head of one class is certain of it. Several classes that start from its row start less certain, or the first
        epochs would unlearn that, and with it what the trunk knows of faces.
        """
        super().load_weights(model, weights, load=load)
        source = last_layer(weights_model(weights))
        if isinstance(source, AnchorPose):
            self.trained = self.trained and source.trained
            if source.nc == 1 < self.nc:
                self._init_class_bias()
        self.describe_anchors(model.yaml)

    def describe_anchors(self, description: dict[str, Any]) -> None:
        """Write the anchors into the YAML of the model that ends in this head, to a tenth of a pixel."""
        rows = [[round(side, 1) for side in level] for level in self.anchor_wh.flatten(1).tolist()]
        arguments = (description["backbone"] + description["head"])[-1][3]
        if isinstance(arguments[2], str):
            description[arguments[2]] = rows
        else:
            arguments[2] = rows

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: Any) -> None:
        """Note whether anchors and convolutions come together: one without the other has not learned with it."""
        super()._load_from_state_dict(state_dict, prefix, *args)
        own = {f"{prefix}{name}" for name in self.state_dict() if name.startswith(("anchor_wh", "predict."))}
        came = own & state_dict.keys()
        if came:
            self.trained = came == own

    @staticmethod
    def decode_boxes(values: Tensor, anchors: Tensor, *, dim: int) -> tuple[Tensor, Tensor]:
        """Box values with 4 and anchors with 2 at a dimension -> centre and size with 2 each.

        The centre counts in strides from the cell's top left, the size in the unit of the anchors.
        """
        center, root = torch.split(2 * values.sigmoid(), 2, dim=dim)
        return center - 0.5, root * root * anchors

    @staticmethod
    def decode_landmarks(values: Tensor, anchors: Tensor, middle: Tensor | float) -> Tensor:
        """Offsets of landmarks, the size of their anchors and the middle of their cells, in one unit -> landmarks."""
        return values * anchors + middle

    def _split(self, maps: Tensor) -> Tensor:
        """(B, A x no, H, W) -> (B, A, no, H, W)."""
        return maps.view(maps.shape[0], self.na, self.no, *maps.shape[-2:])

    def _decode(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps (B, A x no, H, W) of each level -> (B, 4 + nc + nk, N) [input px], in the order of `anchor_grid`."""
        levels = [level.view(level.shape[0], self.na, self.no, -1).transpose(1, 2).flatten(2) for level in maps]
        box, objectness, cls, points = torch.split(torch.cat(levels, dim=2), [4, 1, self.nc, self.nk], dim=1)
        cells, strides, anchors = torch.split(self._grid(maps), [2, 1, 2], dim=1)
        center, size = self.decode_boxes(box, anchors, dim=1)
        center = (center + cells) * strides
        score = objectness.sigmoid() * cls.sigmoid()
        landmarks = self._with_visibility(points, anchors, (cells + 0.5) * strides)
        corners = [center - size / 2, center + size / 2] if self.xyxy else [center, size]
        return torch.cat([*corners, score, landmarks], dim=1)

    def _with_visibility(self, points: Tensor, anchors: Tensor, middle: Tensor) -> Tensor:
        """Values (B, nk, N), anchors and cell middles (1, 2, N) [px] -> (B, nk, N) [px, probability]."""
        num_landmarks, values = self.kpt_shape
        points = points.view(points.shape[0], num_landmarks, values, -1)
        located = self.decode_landmarks(points[:, :, :2], anchors.unsqueeze(1), middle.unsqueeze(1))
        if values == 3:
            located = torch.cat([located, points[:, :, 2:].sigmoid()], dim=2)
        return located.flatten(1, 2)

    def _grid(self, maps: Sequence[Tensor]) -> Tensor:
        """Where the predictions stand: see `anchor_grid`.

        Constants in an export of one size, since several run times cannot compute a grid: the exporter's dry run
        leaves them here, where tracing finds them.
        """
        sizes = [(level.shape[-2], level.shape[-1]) for level in maps]
        if not self.export or self.dynamic:
            return anchor_grid(sizes, self.stride, self.anchor_wh, like=maps[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
            # They are tensors while a graph is traced.
            fixed = [(int(height), int(width)) for height, width in sizes]
        key = (*fixed, maps[0].dtype, maps[0].device)
        if key not in self._grids:
            self._grids[key] = anchor_grid(fixed, self.stride, self.anchor_wh, like=maps[0])
        return self._grids[key]

    @cached_property
    def _grids(self) -> dict[Any, Tensor]:
        return {}


def anchor_grid(sizes: Sequence[tuple[int, int]], strides: Tensor, anchor_wh: Tensor, *, like: Tensor) -> Tensor:
    """Cell, stride and anchor of each prediction, level by level, anchor by anchor, its cells row by row.

    Args:
        sizes: height and width of each level [cells].
        strides: of each level [input px].
        anchor_wh: widths and heights (levels, A, 2) [input px].
        like: a tensor of the type and device that are wanted.

    Returns:
        (1, 5, N): column and row [strides]; stride, width and height of the anchor [input px].
    """
    levels = []
    for (height, width), stride, anchors in zip(sizes, strides.type_as(like), anchor_wh.type_as(like), strict=True):
        rows, columns = torch.arange(height).type_as(like), torch.arange(width).type_as(like)  # traced without a device
        grid_y, grid_x = torch.meshgrid(rows, columns, indexing="ij")
        cells = torch.stack([grid_x.flatten(), grid_y.flatten()]).unsqueeze(1).expand(2, len(anchors), height * width)
        levels.append(torch.cat([cells, stride.expand_as(cells[:1]), anchors.t().unsqueeze(2).expand_as(cells)]))
    return torch.cat([level.flatten(1) for level in levels], dim=1).unsqueeze(0)


def anchor_sizes(anchors: Sequence[Sequence[float]], *, num_levels: int) -> Tensor:
    """Check the YAML's anchors and stack them: flat rows of widths and heights -> (levels, A, 2) [input px].

    Raises:
        ValueError: as AnchorPose says.
    """
    remedy = "correct `anchors:` in the model YAML, or run `ultra-face anchors`"
    are_rows = isinstance(anchors, (list, tuple)) and all(isinstance(row, (list, tuple)) for row in anchors)
    if not are_rows:
        raise ValueError(f"AnchorPose: anchors: expected rows of widths and heights, got {anchors!r}; {remedy}")
    if len(anchors) != num_levels:
        raise ValueError(f"AnchorPose: anchors: expected {num_levels} rows, one a level, got {len(anchors)}; {remedy}")
    lengths = sorted({len(row) for row in anchors})
    if len(lengths) != 1 or lengths[0] == 0 or lengths[0] % 2:
        raise ValueError(
            "AnchorPose: anchors: expected rows of equal length, width and height in turn, "
            f"got lengths {lengths}; {remedy}"
        )
    if not all(isinstance(side, (int, float)) and 0 < side < math.inf for row in anchors for side in row):
        raise ValueError(f"AnchorPose: anchors: expected sizes above 0 px, got {anchors}; {remedy}")
    return torch.tensor(anchors, dtype=torch.float32).view(num_levels, -1, 2)
