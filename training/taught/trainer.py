"""Ultralytics' pose trainer with a teacher beside the labels, and a helper head that is no part of the checkpoint."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.models.yolo.pose import PoseTrainer
from ultralytics.utils.torch_utils import unwrap_model

from training.taught.data_sets import kept, number_faces
from training.taught.helper import GAINS, HelperHead
from training.taught.teacher import Teacher, Teaching, faces_in_pixels, taught
from ultra_face.heads.face_head import FaceHead

SAID, LEFT_OUT = "said", "left_out"
"""Of a batch: what the teacher says of its cells, and the faces in which it has no say."""


class TaughtLoss:
    """A model's own criterion, with what the helper head learns beside it."""

    def __init__(self, own: Any, helper: HelperHead | None, gain: float) -> None:
        self.own, self.helper, self.gain = own, helper, gain

    def anneal(self, progress: float) -> None:
        """Pass the share of the training on."""
        self.own.anneal(progress)

    def __call__(self, preds: Any, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """As any criterion of Ultralytics: losses times batch size, and the items by name."""
        loss, items = self.own(preds, batch)
        if self.helper is None:
            return loss, items
        terms = self.helper.loss(self.helper(preds["feats"]), batch[SAID], batch[LEFT_OUT])
        terms = self.gain * terms * terms.new_tensor(list(GAINS.values()))
        loss = torch.cat([loss, terms.to(loss) * batch[SAID].shape[0]])
        return loss, items | dict(zip(GAINS, terms.detach(), strict=True))


class TaughtTrainer(PoseTrainer):  # type: ignore[misc]
    """Trains a face model of one class; validation knows neither teacher nor weights.

    A run that is resumed starts its helper head anew.

    Args:
        teacher: checkpoint of a face model without anchors.
        teaching: how much its word counts.
    """

    def __init__(self, *arguments: Any, teacher: str, teaching: Teaching, **named: Any) -> None:
        self.teacher_file, self.teaching = teacher, teaching
        self.teacher: Teacher | None = None
        self.helper: HelperHead | None = None
        super().__init__(*arguments, **named)
        if self.world_size > 1:
            raise ValueError(f"device: expected one device with a teacher, got {self.args.device}; name one")

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
        """Ultralytics' own; for training, faces know which data set of `keep_in` they come from."""
        dataset = super().build_dataset(img_path, mode, batch)
        if mode == "train" and self.teaching.keep_in:
            number_faces(dataset, list(self.teaching.keep_in))
        return dataset

    def build_optimizer(self, model: nn.Module, *arguments: Any, **named: Any) -> torch.optim.Optimizer:
        """Ultralytics' own, for the helper head too, which learns as plain weights do, without Muon."""
        if self.teacher is None:  # or batches were too large, and it is built again
            self._appoint(unwrap_model(model))
        optimizer = super().build_optimizer(model, *arguments, **named)
        if self.helper is not None:
            *_, like = (group for group in optimizer.param_groups if group["param_group"] == "weight")
            optimizer.add_param_group(like | {"params": list(self.helper.parameters())})
        return optimizer

    def _appoint(self, model: nn.Module) -> None:
        """Open the teacher and make a helper head.

        Raises:
            FileNotFoundError: no such teacher.
            ValueError: a teacher of another kind or of other strides, or a model that cannot be taught.
        """
        head = model.model[-1]
        if not isinstance(head, FaceHead) or head.nc != 1:
            raise ValueError(
                f"{self.args.model}: expected a face model with one class and FaceLoss for a teacher, got "
                f"{type(head).__name__} with {head.nc}; take a YAML of cfg/models"
            )
        if getattr(head, "one2one_cv2", None) is not None:
            raise ValueError(
                f"{self.args.model}: expected a model with one branch for a teacher, got one with end2end; train it "
                "with `end2end: false`"
            )
        self.teacher = Teacher(self.teacher_file, self.device)
        if not self.teaching.helper:
            return
        strides = [int(stride) for stride in head.stride]
        if strides != self.teacher.strides:
            raise ValueError(
                f"{self.teacher_file}: expected a teacher with the model's strides {strides} for a helper head, got "
                f"{self.teacher.strides}; name another, or do without with helper 0"
            )
        self.helper = HelperHead(_channels(model, self.device), strides).to(self.device)

    def _setup_train(self) -> None:
        super()._setup_train()
        model = unwrap_model(self.model)
        model.criterion = TaughtLoss(model.init_criterion(), self.helper, self.teaching.helper)

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Bring a batch to the device, and ask the teacher."""
        batch = super().preprocess_batch(batch)
        numbers = batch["cls"]
        batch["cls"] = torch.zeros_like(numbers)
        keep = kept(numbers, self.teaching.keep, self.teaching.keep_in)
        said = self.teacher(batch["img"])
        added = {SAID: said.cells, LEFT_OUT: faces_in_pixels(batch)[numbers.view(-1) > 0]}
        return batch | taught(batch, said.faces, self.teaching, keep) | added


def _channels(model: nn.Module, device: torch.device) -> list[int]:
    """Of the features that the head gets, level by level."""
    was_training = model.training
    with torch.no_grad():
        _, outputs = model.eval()(torch.zeros(1, 3, 64, 64, device=device))
    model.train(was_training)
    return [features.shape[1] for features in outputs["feats"]]
