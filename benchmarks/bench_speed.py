"""Speed of FaceLoss and of yolov5n-aesvc against their stock counterparts, on the CPU with one and two threads.

All candidates of a comparison take turns in one process, so that a busy moment of the machine hits all alike; what is
reported are medians over the rounds, of the elapsed time and of the processor time of all threads. With one thread the
latter hardly depends on what else the machine does; with more it counts threads that wait for each other too. The
weights are random, on which the time does not depend; end to end, the thresholds are such that each model reports the
same number of faces.

python benchmarks/bench_speed.py --rounds 15
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import onnxruntime
import torch
import yaml
from torch import Tensor, nn
from ultralytics import YOLO
from ultralytics.cfg import get_cfg
from ultralytics.nn.tasks import PoseModel, yaml_model_load
from ultralytics.utils import ASSETS
from ultralytics.utils.loss import v8PoseLoss

import ultra_face
from benchmarks.onnx_threads import onnx_threads
from benchmarks.peers.session import session_options
from benchmarks.provenance import REPOSITORY, provenance

PHOTOGRAPH = ASSETS / "bus.jpg"
RESULT = REPOSITORY / "results" / "speed.json"
SIZE = 640  # of the input [px]
BATCH, FACES_PER_IMAGE = 16, 50
NUM_REPORTED = 300  # faces that end to end come out, whatever their overlap
SEED = 0
OURS, BATCH_NORM, STOCK = "yolov5n-aesvc", "yolov5n-aesvc, norm: batch", "yolov8n-pose"

Candidates = Mapping[str, Callable[[], Any]]


def main() -> None:
    """Measure, write the result file, print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path, default=RESULT)
    arguments = parser.parse_args()

    ultra_face.register()
    torch.manual_seed(SEED)
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = {name: save(name, Path(folder)) for name in (OURS, BATCH_NORM, STOCK)}
        exports = {name: YOLO(file).export(format="onnx", imgsz=SIZE) for name, file in checkpoints.items()}
        measured = {}
        for num_threads in arguments.threads:
            measured[f"{num_threads} thread{'s' * (num_threads > 1)}"] = measure(
                checkpoints, exports, num_threads, arguments.rounds
            )

    config = {"rounds": arguments.rounds, "size": SIZE, "batch": BATCH, "faces_per_image": FACES_PER_IMAGE}
    record = {
        "provenance": provenance(
            config | {"faces_reported": NUM_REPORTED}, "random images and faces; photographs end to end", SEED
        ),
        **measured,
    }
    arguments.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(measured, indent=2))


def measure(
    checkpoints: Mapping[str, Path], exports: Mapping[str, str], num_threads: int, rounds: int
) -> dict[str, dict[str, Any]]:
    """Every comparison with so many threads; shares are of our model's forward time in PyTorch."""
    torch.set_num_threads(num_threads)
    fused = {name: YOLO(file).model.eval().fuse(verbose=False) for name, file in checkpoints.items()}
    x = torch.rand(1, 3, SIZE, SIZE)
    with torch.inference_mode():
        forward = interleaved({name: lambda model=model: model(x) for name, model in fused.items()}, rounds)
        shares = shares_of(fused[OURS], x, rounds)
    return {
        "loss, forward and backward": interleaved(criteria(), rounds),
        "forward, PyTorch": forward,
        "forward, ONNX Runtime": interleaved(sessions(exports, num_threads), rounds),
        "end to end, PyTorch": interleaved(predictors(checkpoints, num_threads), rounds),
        "end to end, ONNX Runtime": interleaved(predictors(exports, num_threads), rounds),
        "share of the forward": shares,
    }


def interleaved(candidates: Candidates, rounds: int) -> dict[str, dict[str, float]]:
    """Median times of each candidate; they take turns, after one round to warm up."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
    for _ in range(rounds + 1):
        for name, run in candidates.items():
            elapsed, processor = time.perf_counter(), time.process_time()
            run()
            times[name].append((time.perf_counter() - elapsed, time.process_time() - processor))
    medians = {
        name: [1e3 * statistics.median(kind) for kind in zip(*taken[1:], strict=True)] for name, taken in times.items()
    }
    return {
        name: {"elapsed_ms": round(elapsed, 2), "processor_ms": round(processor, 2)}
        for name, (elapsed, processor) in medians.items()
    }


def save(name: str, folder: Path) -> Path:
    """A checkpoint of an untrained model for one class and five landmarks of three values."""
    model = yaml_model_load(f"{name.partition(',')[0]}.yaml") | {"nc": 1, "kpt_shape": [5, 3]}
    if name == BATCH_NORM:
        for row in model["backbone"]:
            row[3] += ["batch"] if row[2] == "MC4f" else []
    file = folder / f"{name.replace(', norm: ', '-')}.yaml"
    file.write_text(yaml.safe_dump(model))
    untrained = YOLO(file, task="pose")
    spread_scores(untrained.model)
    untrained.save(file.with_suffix(".pt"))
    return file.with_suffix(".pt")


def spread_scores(network: PoseModel) -> None:
    """Give the batch norms the statistics of a photograph; with those of no image all scores would be the same."""
    image = cv2.resize(cv2.imread(str(PHOTOGRAPH)), (SIZE, SIZE))
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.from_numpy(image).permute(2, 0, 1)[None].repeat(2, 1, 1, 1) / 255)


def criteria() -> Candidates:
    """FaceLoss of both heads; the stock loss on the outputs that the anchor-free one gets too."""
    batch = face_batch()
    networks = {
        name: PoseModel(f"yolov5n-{name}.yaml", nc=1, verbose=False).train() for name in ("aesvc", "aesvc-free")
    }
    for network in networks.values():
        network.args = get_cfg()
    with torch.no_grad():
        outputs = {name: leaves(network(torch.rand(BATCH, 3, SIZE, SIZE))) for name, network in networks.items()}
    losses = {
        "FaceLoss, anchor head": ("aesvc", networks["aesvc"].init_criterion()),
        "FaceLoss, anchor-free head": ("aesvc-free", networks["aesvc-free"].init_criterion()),
        "stock v8PoseLoss": ("aesvc-free", v8PoseLoss(networks["aesvc-free"])),
    }
    return {
        title: lambda name=name, loss=loss: loss(outputs[name], batch)[0].sum().backward()
        for title, (name, loss) in losses.items()
    }


def face_batch() -> dict[str, Tensor]:
    """A pose batch of random faces of 10 to 150 px with five visible landmarks."""
    num_faces = BATCH * FACES_PER_IMAGE
    width = torch.exp(torch.empty(num_faces, 1).uniform_(2.3, 5.0)) / SIZE
    size = torch.cat([width, 1.3 * width], 1)
    center = torch.rand(num_faces, 2) * (1 - size) + size / 2
    landmarks = center[:, None] + (torch.rand(num_faces, 5, 2) - 0.5) * size[:, None]
    return {
        "batch_idx": torch.arange(BATCH).repeat_interleave(FACES_PER_IMAGE).float(),
        "cls": torch.zeros(num_faces, 1),
        "bboxes": torch.cat([center, size], 1),
        "keypoints": torch.cat([landmarks, torch.full((num_faces, 5, 1), 2.0)], 2),
    }


def leaves(outputs: Any) -> Any:
    """Nested outputs of a network, cut from its graph: the backward pass ends here."""
    if isinstance(outputs, dict):
        return {name: leaves(value) for name, value in outputs.items()}
    if isinstance(outputs, list):
        return [leaves(value) for value in outputs]
    return outputs.detach().requires_grad_()


def sessions(exports: Mapping[str, str], num_threads: int) -> Candidates:
    """The exported networks in ONNX Runtime."""
    options = session_options(num_threads)
    feed = {"images": torch.rand(1, 3, SIZE, SIZE).numpy()}
    loaded = {name: onnxruntime.InferenceSession(file, options) for name, file in exports.items()}
    return {name: lambda session=session: session.run(None, feed) for name, session in loaded.items()}


def predictors(files: Mapping[str, str | Path], num_threads: int) -> Candidates:
    """Stock `predict` on a photograph: decode, letterbox, network, suppression, results.

    Ultralytics sets the threads of PyTorch when it loads a model and leaves those of ONNX Runtime at their default, so
    both are set here.
    """

    def predictor(file: str | Path) -> Callable[[], Any]:
        model = YOLO(file, task="pose")
        model.predict(PHOTOGRAPH, imgsz=SIZE, rect=False, verbose=False, device="cpu", iou=1.0)
        run, scores = model.predictor, []
        with outputs_of(run, scores):
            run(PHOTOGRAPH)
        run.args.conf = float(scores[0].sort(descending=True).values[NUM_REPORTED])
        return lambda: run(PHOTOGRAPH)

    with onnx_threads(num_threads):
        candidates = {name: predictor(file) for name, file in files.items()}
    torch.set_num_threads(num_threads)
    return candidates


@contextmanager
def outputs_of(predictor: Any, scores: list[Tensor]) -> Iterator[None]:
    """Collect the scores (N,) that reach the suppression of a predictor."""
    stock = predictor.postprocess

    def postprocess(outputs: Any, *arguments: Any, **settings: Any) -> Any:
        decoded = outputs[0] if isinstance(outputs, (list, tuple)) else outputs
        scores.append(decoded[0, 4].clone())
        return stock(outputs, *arguments, **settings)

    predictor.postprocess = postprocess
    try:
        yield
    finally:
        predictor.postprocess = stock


def shares_of(model: PoseModel, x: Tensor, rounds: int) -> dict[str, float]:
    """Shares of group norms and of AESVC's stem in the forward time of a model (medians over the rounds)."""
    parts = {
        "GroupNorm": [module for module in model.modules() if isinstance(module, nn.GroupNorm)],
        "7 x 7 stem of AESVC": [layer.stem for layer in model.model if type(layer).__name__ == "AESVC"],
    }
    spent = dict.fromkeys(parts, 0.0)
    for part, modules in parts.items():
        for module in modules:
            module.forward = timed(module.forward, spent, part)
    shares: dict[str, list[float]] = {part: [] for part in parts}
    for _ in range(rounds):
        spent.update(dict.fromkeys(parts, 0.0))
        start = time.perf_counter()
        model(x)
        total = time.perf_counter() - start
        for part, seconds in spent.items():
            shares[part].append(seconds / total)
    return {part: round(statistics.median(values), 3) for part, values in shares.items()}


def timed(forward: Callable[..., Any], spent: dict[str, float], part: str) -> Callable[..., Any]:
    """The same call, its time added to the part's."""

    def run(*arguments: Any) -> Any:
        start = time.perf_counter()
        result = forward(*arguments)
        spent[part] += time.perf_counter() - start
        return result

    return run


if __name__ == "__main__":
    main()
