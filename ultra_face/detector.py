"""FaceDetector: photographs, folders and videos in, faces out, by whatever runs the network."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

from ultra_face.detection.images import Color, Photograph, read_photograph
from ultra_face.detection.passes import Passes
from ultra_face.detection.predictions import clipped
from ultra_face.detection.sources import OnError, read_source
from ultra_face.detection.views import Plan, Tile
from ultra_face.faces import Faces
from ultra_face.files.trust import files_trusted, is_trusted
from ultra_face.plugin.files import find_weights
from ultra_face.runtimes.network import Network, Signature
from ultra_face.runtimes.score_table import REMEDY

WEIGHTS = "yolov5n-aesvc-face.pt"
"""The weights that come with the package."""

CONFIDENCE = 0.5
"""The score that suits them best, as their model card tells."""

IMAGE_SIZE = 640

QUARTER, LEAST_TILE = 90, 32


class FaceDetector:
    """Finds faces and their five landmarks in photographs, folders and videos.

    `.onnx` files run on ONNX Runtime and NumPy alone, and need neither torch nor Ultralytics. Everything else runs on
    Ultralytics' own backends.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = WEIGHTS,
        *,
        conf: float | None = None,
        precision: float | None = None,
        iou: float = 0.5,
        imgsz: int | tuple[int, int] | None = None,
        tile: Tile = None,
        scales: Sequence[int | tuple[int, int]] | None = None,
        rotate: Sequence[int] = (0,),
        flip: bool = False,
        max_faces: int = 1000,
        min_size: float = 0,
        batch: int = 8,
        device: str | int | None = None,
        threads: int | None = None,
        color: Color = "bgr",
        trust: bool = False,
    ) -> None:
        """Load a model; a checkpoint may name only classes of torch, Ultralytics and ours, unless it is trusted.

        Args:
            model: a `.pt`, an `.onnx`, an OpenVINO folder or any other format that Ultralytics runs; the shipped
                weights by their name, from any folder.
            conf: only faces that score higher are given, 0..1; 0.5 by default, which suits the shipped weights.
            precision: instead of a score, the share of the faces given that shall be faces, such as 0.99: the score is
                that of the model's own table, which `ultra-face calibrate` measured on photographs that it names. On
                harder ones the share is lower.
            iou: intersection over union above which two boxes are one face, 0..1.
            imgsz: longer side of the input, or its height and width [px]: 640 by default, or the size that an exported
                file is made for.
            tile: side of overlapping tiles that larger photographs are looked at in, besides the whole [px of the
                photograph]; `auto` takes tiles of the input's size where a photograph is larger than twice that.
            scales: further input sizes that the whole photograph is looked at in [px].
            rotate: by how many degrees the photograph is turned, counter-clockwise, before each look: some of 0, 90,
                180 and 270.
            flip: also look at the mirrored photograph.
            max_faces: most faces of one photograph; the best stay.
            min_size: least longer side of a face [px of the photograph].
            batch: most inputs that run together.
            device: `cpu`, the number of a GPU, or what else the runtime calls a device; a GPU by default where it
                has one.
            threads: of the processor, that compute one input; as many as the runtime likes by default. PyTorch has one
                number for the whole process.
            color: order of the channels of arrays, `bgr` as OpenCV has it, or `rgb`.
            trust: let a checkpoint run what code it holds, as `YOLO` does, for layers of your own. Training with
                `yolo train` needs none of that.

        Raises:
            FileNotFoundError: there is no such model.
            ModuleNotFoundError: the package that runs such a model is not installed.
            ValueError: a file that is no face model, a device that is not there, an option out of its range, or a
                precision that the model's table does not hold.
        """
        _check_options(
            conf=conf,
            precision=precision,
            iou=iou,
            tile=tile,
            scales=scales,
            rotate=rotate,
            max_faces=max_faces,
            min_size=min_size,
            batch=batch,
            threads=threads,
            color=color,
        )
        self.model = os.fspath(model)
        self.color = color
        self._max_faces, self._min_size = max_faces, min_size
        with files_trusted(trust or is_trusted()):
            network = open_network(self.model, device, threads)
        signature = network.signature
        sizes = [signature.fixed_hw or IMAGE_SIZE if imgsz is None else imgsz, *(scales or ())]
        plan = Plan(
            sizes_hw=tuple(dict.fromkeys(_input_hw(size, signature, self.model) for size in sizes)),
            tile=tile,
            turns=tuple(dict.fromkeys(degrees // QUARTER for degrees in rotate)),
            flip=flip,
            stride=signature.stride if signature.fixed_hw is None else None,
        )
        self._passes = Passes(network, plan, confidence=_score(conf, precision, signature), iou=iou, batch=batch)

    def __repr__(self) -> str:
        return f"FaceDetector({self.model!r}, providers={self.providers})"

    @property
    def conf(self) -> float:
        """Only faces that score higher are given: the score that was named, or found for a precision."""
        return self._passes.confidence

    @property
    def providers(self) -> tuple[str, ...]:
        """What really runs the network, such as `CPUExecutionProvider`."""
        return self._passes.network.providers

    @overload
    def __call__(self, images: list[Any] | tuple[Any, ...]) -> list[Faces]: ...

    @overload
    def __call__(self, images: Any) -> Faces: ...

    def __call__(self, images: Any) -> Faces | list[Faces]:
        """Find the faces of one image, or of each of a list of images, whose sizes may differ.

        Files, bytes and PIL images are turned upright as EXIF says, arrays are taken as they are.

        Args:
            images: path of an image file, its bytes, an open binary file, a PIL image, or an array (H, W) or (H, W, C)
                of uint8 or uint16, grey or colour, with or without alpha; or a list or tuple of these.

        Returns:
            Faces [px of the upright image], best first; of a list, one `Faces` an image, in its order.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: anything else that is no image; a folder, video or URL is for `stream`.
        """
        if not isinstance(images, (list, tuple)):
            (found,) = self._detect(iter([read_photograph(images, color=self.color)]))
            return found
        return list(self._detect(self._read(images)))

    def stream(self, source: Any, *, recursive: bool = False, on_error: OnError | None = None) -> Iterator[Faces]:
        """Find the faces of many images, one after the other; only a batch of them is held in memory.

        Args:
            source: a folder, a pattern such as `photos/*.jpg`, a video, the number of a camera, an RTSP or HTTP URL,
                anything that a call takes, or an iterable of all of these.
            recursive: for folders, also what lies in folders below.
            on_error: called with the name and the error of each image or video that cannot be read, after which the
                others go on; by default the error is raised.

        Yields:
            Faces of each image or frame.

        Raises:
            ConnectionError: a camera or URL does not answer.
            FileNotFoundError: there is no such file, or a folder or pattern has no images and videos.
            ValueError: a file or an object of another kind.
        """
        return self._detect(read_source(source, color=self.color, recursive=recursive, on_error=on_error))

    def _read(self, images: Sequence[Any]) -> Iterator[Photograph]:
        for number, image in enumerate(images):
            try:
                yield read_photograph(image, color=self.color)
            except ValueError as error:
                raise ValueError(f"images[{number}]: {error}") from error

    def _detect(self, photographs: Iterator[Photograph]) -> Iterator[Faces]:
        for photograph, found in self._passes.detect(photographs):
            inside = clipped(found, photograph.hw)
            sizes = (inside.boxes_xyxy[:, 2:] - inside.boxes_xyxy[:, :2]).max(axis=1)
            yield _faces(inside[sizes >= self._min_size][: self._max_faces], photograph)


def _score(conf: float | None, precision: float | None, signature: Signature) -> float:
    """The score that faces must exceed.

    Raises:
        ValueError: the network has no table of scores, or none for this precision.
    """
    if precision is None:
        return CONFIDENCE if conf is None else conf
    if signature.score_table is None:
        raise ValueError(
            f"{signature.source}: expected a model that carries a table of scores by precision, got one without; "
            f"{REMEDY}"
        )
    try:
        return signature.score_table.score(precision)
    except ValueError as error:
        raise ValueError(f"{signature.source}: {error}") from error


def _faces(found: Faces, photograph: Photograph) -> Faces:
    """The faces of a photograph, in single precision as those of Ultralytics' results."""
    names = ("boxes_xyxy", "landmarks", "scores", "visibility")
    arrays = {name: values.astype("float32") for name in names if (values := getattr(found, name)) is not None}
    height, width = photograph.hw
    return Faces(**arrays, image_size=(width, height), source=photograph.source, frame=photograph.frame)


def open_network(model: str, device: str | int | None, threads: int | None = None) -> Network:
    """Load a network: `.onnx` with ONNX Runtime, the others with Ultralytics.

    Args:
        model: path or name; the user's own file comes before shipped weights of that name.
        device: where to run.
        threads: as `FaceDetector` has it.

    Raises:
        FileNotFoundError: there is no such model.
        ModuleNotFoundError: the package that runs such a model is not installed.
        ValueError: a file that is no face model, or a device that is not there.
    """
    file = model_file(model)
    if file.suffix.lower() == ".onnx" and not file.is_dir():
        from ultra_face.runtimes.onnx_network import OnnxNetwork

        return OnnxNetwork(file, device, threads)
    try:
        from ultra_face.runtimes.ultralytics_network import UltralyticsNetwork
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{model}: expected the package {error.name}, which is not installed and which everything but .onnx needs; "
            "install it, or make a .onnx file where it is: `yolo export format=onnx`",
            name=error.name,
        ) from error
    return UltralyticsNetwork(file, device, threads)


def model_file(model: str) -> Path:
    """The file of a model, by its path or name; the user's own comes before shipped weights, with or without suffix."""
    file = Path(model)
    return file if file.exists() else find_weights(model) or find_weights(f"{model}.pt") or file


def _input_hw(size: int | tuple[int, int], signature: Signature, model: str) -> tuple[int, int]:
    """Height and width of an input [px].

    Raises:
        ValueError: the network takes no such input.
    """
    height, width = size if isinstance(size, (tuple, list)) else (size, size)
    if signature.fixed_hw is not None and (height, width) != signature.fixed_hw:
        fixed_h, fixed_w = signature.fixed_hw
        raise ValueError(
            f"{model}: expected inputs of {fixed_h} x {fixed_w} px, the only size that it takes, got {height} x "
            f"{width} px; leave out imgsz and scales, or export the model with dynamic=True"
        )
    if min(height, width) < 1 or height % signature.stride or width % signature.stride:
        raise ValueError(
            f"FaceDetector: expected input sizes that are multiples of {signature.stride} px, got {height} x {width}; "
            "correct imgsz or scales"
        )
    return height, width


def _check_options(
    *,
    conf: float | None,
    precision: float | None,
    iou: float,
    tile: Tile,
    scales: Sequence[int | tuple[int, int]] | None,
    rotate: Sequence[int],
    max_faces: int,
    min_size: float,
    batch: int,
    threads: int | None,
    color: str,
) -> None:
    """Check what does not depend on the model.

    Raises:
        ValueError: an option out of its range.
    """
    turns = tuple(range(0, 360, QUARTER))
    is_tile = tile in (None, "auto") or (isinstance(tile, int) and tile >= LEAST_TILE)
    is_rotate = isinstance(rotate, Sequence) and len(rotate) > 0 and set(rotate) <= set(turns)
    checks: list[tuple[str, object, str, bool]] = [
        ("conf", conf, "a score from 0 to 1", conf is None or 0 <= conf <= 1),
        ("precision", precision, "a share between 0 and 1", precision is None or 0 < precision < 1),
        ("precision", precision, "left out beside conf", conf is None or precision is None),
        ("iou", iou, "an overlap from 0 to 1", 0 <= iou <= 1),
        ("tile", tile, f"None, 'auto' or {LEAST_TILE} px or more", is_tile),
        ("scales", scales, "None or a sequence of input sizes", scales is None or isinstance(scales, Sequence)),
        ("rotate", rotate, f"a sequence of some of {turns}", is_rotate),
        ("max_faces", max_faces, "1 or more", max_faces >= 1),
        ("min_size", min_size, "0 px or more", min_size >= 0),
        ("batch", batch, "1 or more", batch >= 1),
        ("threads", threads, "None, or 1 or more", threads is None or threads >= 1),
        ("color", color, "'bgr' or 'rgb'", color in ("bgr", "rgb")),
    ]
    for name, got, expected, is_right in checks:
        if not is_right:
            raise ValueError(f"FaceDetector: expected {name} to be {expected}, got {got!r}")
