"""Networks in every format that Ultralytics loads, run by its own backends: `.pt`, OpenVINO folders and so on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from ultralytics.nn.autobackend import AutoBackend
from ultralytics.utils.torch_utils import select_device

from ultra_face.formats.files import named
from ultra_face.refinement.refined import Refined
from ultra_face.refinement.tiles import shown
from ultra_face.runtimes.network import Inputs, Pixels, Signature, run_in_parts, signature_of
from ultra_face.runtimes.score_table import KEY
from ultra_face.runtimes.ultralytics_model import REMEDY, open_trained

EXPECTED = "a face model of Ultralytics"


class UltralyticsNetwork:
    """A network that Ultralytics has loaded; a refining head sees the photographs as it does in `YOLO.predict`."""

    signature: Signature
    providers: tuple[str, ...]
    sees_photographs: bool

    def __init__(self, file: str | Path, device: str | int | None = None, threads: int | None = None) -> None:
        """Load a checkpoint or an export.

        Args:
            file: a path, or a name that Ultralytics finds.
            device: as Ultralytics names devices; None leaves it to Ultralytics.
            threads: of PyTorch in this process; None leaves that to Ultralytics, too.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: a file of another kind, or a device that is not there.
        """
        chosen = _device(device)
        model = open_trained(file, EXPECTED)
        is_checkpoint = isinstance(model.model, nn.Module)
        with named(file, EXPECTED, REMEDY):
            self._backend = AutoBackend(model.model, device=chosen, verbose=False)
        self._backend.eval()
        if threads is not None:  # only now, since Ultralytics sets it where it chooses the processor
            torch.set_num_threads(threads)
        is_fixed = not is_checkpoint and not getattr(self._backend, "dynamic", False)
        size = getattr(self._backend, "imgsz", None) if is_fixed else None
        self._batch = int(self._backend.batch) if is_fixed else None
        self.signature = signature_of(
            file,
            {
                "names": self._backend.names,
                "kpt_shape": getattr(self._backend, "kpt_shape", None),
                KEY: getattr(model.model if is_checkpoint else self._backend, KEY, None),
            },
            stride=int(self._backend.stride),
            fixed_hw=None if size is None else (int(size[0]), int(size[1])),
        )
        self.sees_photographs = is_checkpoint and _sees_photographs(model.model)
        self.providers = (f"Ultralytics {self._backend.format} on {self._backend.device}",)

    def __call__(self, inputs: Inputs, photographs: Sequence[Pixels] = ()) -> NDArray[np.floating[Any]]:
        """As `Network.__call__`."""
        with torch.inference_mode(), shown(photographs):
            return run_in_parts(self._run, inputs, self._batch)

    def _run(self, inputs: Inputs) -> NDArray[np.floating[Any]]:
        output = self._backend(torch.from_numpy(inputs).to(self._backend.device))
        first = output[0] if isinstance(output, (list, tuple)) else output
        predictions: NDArray[np.floating[Any]] = first.float().cpu().numpy()
        return predictions


def _sees_photographs(model: nn.Module) -> bool:
    """Whether its head cuts the windows of a second look from the photographs."""
    layers = getattr(model, "model", None)
    head = layers[-1] if isinstance(layers, nn.Sequential) else None
    return isinstance(head, Refined) and bool(head.sr.windows) and head.sr.photograph


def _device(device: str | int | None) -> Any:
    """The device of Ultralytics.

    Raises:
        ValueError: it is not there.
    """
    try:
        return select_device("" if device is None else device, verbose=False)
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"device={device!r}: expected a device that PyTorch has, got none of cpu and {torch.cuda.device_count()} "
            "NVIDIA GPUs; choose one of these, or install a PyTorch that sees it"
        ) from error
