"""AnchorPose, the papers' head: anchors of three or four levels with boxes and landmarks.

Source: YOLOv5n-AESVC, figure 1 and Table 1; the coupled head of YOLOv5 with landmarks as in YOLO5Face (Qi et al. 2022).
Deviation: landmark offsets count from the middle of the cell, where the decoded box centre has its zero too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules.head import Pose

from ultra_face.heads.face_head import FaceHead, last_layer, refuse_stock_decoding, weights_model
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
        raw = [self._split(conv(features)) for conv, features in zip(self.predict, x, strict=True)]
        outputs = {"feats": x, "raw": raw}
        if self.training:
            return outputs
        refuse_stock_decoding(self, instead="train yolov5-aesvc-free.yaml")
        levels = [self._decode(level, maps) for level, maps in enumerate(raw)]
        decoded = torch.cat(levels, dim=2)
        if self.export:
            return decoded
        # Ultralytics knows one logit a cell by this name: it draws what a layer looks at (`visualize=True`) and weighs
        # the features of a teacher (`distill_model=`) by it.
        cells = [torch.unflatten(level[:, 4 : 4 + self.nc], 2, (self.na, -1)).amax(2) for level in levels]
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
        gate = 2 * values.sigmoid()
        return gate.narrow(dim, 0, 2) - 0.5, gate.narrow(dim, 2, 2).square() * anchors

    @staticmethod
    def decode_landmarks(values: Tensor, anchors: Tensor, middle: Tensor | float) -> Tensor:
        """Offsets of landmarks, the size of their anchors and the middle of their cells, in one unit -> landmarks."""
        return values * anchors + middle

    def _split(self, maps: Tensor) -> Tensor:
        """(B, A x no, H, W) -> (B, A, no, H, W)."""
        return maps.view(maps.shape[0], self.na, self.no, *maps.shape[-2:])

    def _decode(self, level: int, raw: Tensor) -> Tensor:
        """Raw maps (B, A, no, H, W) -> (B, 4 + nc + nk, A x H x W) [input px]."""
        stride = self.stride[level].type_as(raw)
        height, width = raw.shape[-2:]
        anchors = self.anchor_wh[level].type_as(raw).view(1, self.na, 2, 1)
        cells = _cells(height, width, raw)
        values = raw.flatten(3)
        box, objectness, cls, points = torch.split(values, [4, 1, self.nc, self.nk], dim=2)
        center, size = self.decode_boxes(box, anchors, dim=2)
        center = (center + cells) * stride
        score = objectness.sigmoid() * cls.sigmoid()
        landmarks = self._with_visibility(points, anchors, (cells + 0.5) * stride)
        corners = [center - size / 2, center + size / 2] if self.xyxy else [center, size]
        return torch.cat([*corners, score, landmarks], dim=2).transpose(1, 2).flatten(2)

    def _with_visibility(self, points: Tensor, anchors: Tensor, middle: Tensor) -> Tensor:
        """Values (B, A, nk, N), anchors (1, A, 2, 1), cell middles (2, N) [px] -> (B, A, nk, N) [px, probability]."""
        num_landmarks, values = self.kpt_shape
        points = torch.unflatten(points, 2, (num_landmarks, values))
        located = self.decode_landmarks(points[:, :, :, :2], anchors.unsqueeze(2), middle)
        if values == 3:
            located = torch.cat([located, points[:, :, :, 2:].sigmoid()], dim=3)
        return located.flatten(2, 3)


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


def _cells(height: int, width: int, like: Tensor) -> Tensor:
    """Column and row of each cell, row by row: (2, H x W) [strides]."""
    rows, columns = torch.arange(height).type_as(like), torch.arange(width).type_as(like)  # traced without a device
    grid_y, grid_x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([grid_x.flatten(), grid_y.flatten()])
