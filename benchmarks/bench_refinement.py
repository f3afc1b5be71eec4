"""What a second look at doubtful small faces brings, and what it costs, on photographs whose faces were made small.

Photographs of a validation split are reduced, so that their faces become tiny, and run through: the plain detector; the
same with K windows that a generator enlarges; with K windows that cubic interpolation enlarges; and the plain detector
on the whole image enlarged two and four times. All take turns on each image.

    python benchmarks/bench_refinement.py DETECTOR.pt --generator GENERATOR.pt --data DATA.yaml --data-name "..."

Average precision and recall are counted as in `ultra_face/evaluation`, by face height in the reduced image. The figures
go to `results/refinement.json`.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from ultralytics import YOLO
from ultralytics.data.utils import check_det_dataset, img2label_paths
from ultralytics.utils import TQDM

from benchmarks.provenance import provenance
from ultra_face.cli.refine import setting
from ultra_face.evaluation.detect_images import Settings, detect
from ultra_face.evaluation.ground_truth import GroundTruth
from ultra_face.evaluation.protocol import evaluate
from ultra_face.faces import Faces
from ultra_face.refinement.checkpoint import refine_model
from ultra_face.super_resolution.checkpoint import load_generator

RESULTS = Path(__file__).resolve().parent.parent / "results"
BANDS = ((4, 8), (8, 12), (12, 16), (16, 24), (24, 40), (40, np.inf))
SMALLEST = BANDS[0][0]
SETTINGS = Settings(scales=(None,), confidence=0.01, nms_iou=0.5, max_det=1500)


@dataclass
class System:
    """A way to detect faces: a model, on an image enlarged by a whole factor."""

    name: str
    model: YOLO
    enlargement: int = 1
    settings: Settings = SETTINGS
    seconds: float = 0.0

    def __call__(self, image: NDArray[np.uint8]) -> Faces:
        """Detections in pixels of the image; the time is added up."""
        started = time.perf_counter()
        factor = self.enlargement
        view = image if factor == 1 else cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        found = detect(self.model, view, self.settings)
        self.seconds += time.perf_counter() - started
        return Faces(found.boxes_xyxy / factor, found.landmarks / factor, found.scores)


def main() -> None:
    """Run all systems over all reductions, then write the result file."""
    options = _options()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    changes = dict(options.set)
    config = {key: getattr(options, key) for key in ("detector", "generator", "windows", "reductions", "threads")} | {
        "sr": changes
    }
    record = provenance(config, options.data_name, None)
    photographs = list(read_photographs(Path(options.data), options.images))
    report: dict[str, Any] = {"provenance": record, "photographs": len(photographs), "reductions": {}}
    for reduction in options.reductions:
        systems = build_systems(options.detector, options.generator, options.windows, changes)
        report["reductions"][str(reduction)] = run(systems, photographs, reduction)
        show(reduction, report["reductions"][str(reduction)])
    file = RESULTS / f"{options.name}.json"
    file.write_text(json.dumps(report, indent=1) + "\n")
    print(f"wrote {file}")


def build_systems(detector: str, generator: str | None, counts: Sequence[int], changes: dict[str, Any]) -> list[System]:
    """The plain detector, on the image and on enlarged ones, and every number of windows with both enlargements."""
    trained = {"generator": load_generator(generator)} if generator else {}
    enlargers: dict[str, dict[str, Any]] = {"cubic": {}} | ({"generator": trained} if trained else {})
    systems = [
        System("plain", with_model(detector)),
        System("whole image x2", with_model(detector), 2),
        System("whole image x4", with_model(detector), 4),
    ]
    for count in counts:
        for name, chosen in enlargers.items():
            own = changes | {"windows": count} | ({} if chosen else {"blocks": 0})
            own = {key: value for key, value in own.items() if not (chosen and key == "scale")}
            systems.append(System(f"{name}, K = {count}", with_model(detector, settings=own, **chosen)))
    return systems


def run(
    systems: Sequence[System], photographs: Sequence[tuple[str, NDArray[np.uint8], NDArray[np.float64]]], reduction: int
) -> dict[str, Any]:
    """Average precision and recall of each system on the reduced photographs, in all and by face height."""
    boxes: dict[str, NDArray[np.float64]] = {}
    found: dict[str, dict[str, NDArray[np.float64]]] = {system.name: {} for system in systems}
    for name, image, faces_xywh in TQDM(photographs, desc=f"1/{reduction}"):
        small = cv2.resize(image, None, fx=1 / reduction, fy=1 / reduction, interpolation=cv2.INTER_AREA)
        boxes[name] = faces_xywh / reduction
        for system in systems:
            detections = system(small)
            start, stop = detections.boxes_xyxy[:, :2], detections.boxes_xyxy[:, 2:]
            found[system.name][name] = np.concatenate([start, stop - start, detections.scores[:, None]], axis=1)
    counted = {"all": {name: faces[:, 3] >= SMALLEST for name, faces in boxes.items()}}
    truth = GroundTruth.from_arrays(boxes, counted)
    return {system.name: _figures(evaluate(truth, found[system.name]), system, len(photographs)) for system in systems}


def _figures(evaluation: Any, system: System, images: int) -> dict[str, Any]:
    sizes = {
        f"{low}-{high} px": {
            "faces": curve.num_faces,
            "ap50": round(curve.ap, 4) if curve.num_faces else None,
            "recall": round(float(curve.recall[-1]), 4) if curve.num_faces else None,
        }
        for (low, high), curve in evaluation.by_size("all", BANDS).items()
    }
    best = evaluation.best_operating_point("all")
    return {
        "ap50": round(evaluation.subsets()["all"].ap, 4),
        "best_f1": round(best.f1, 4),
        "ms": round(1000 * system.seconds / images, 1),
        "by_height": sizes,
    }


def show(reduction: int, figures: dict[str, Any]) -> None:
    """Print one line a system."""
    print(f"photographs reduced to 1/{reduction}")
    for name, row in figures.items():
        sizes = "  ".join(f"{size} {cell['ap50'] or 0:.3f}" for size, cell in row["by_height"].items() if cell["faces"])
        print(f"  {name:20s} AP50 {row['ap50']:.4f}  F1 {row['best_f1']:.3f}  {row['ms']:7.1f} ms   {sizes}")


def write_systems(name: str, key: str, figures: dict[str, Any], record: dict[str, Any], photographs: int) -> None:
    """Print a line a system, and write them under a key to `results/NAME.json` with their provenance."""
    for system, row in figures.items():
        print(f"{system:36s} AP50 {row['ap50']:.4f}  F1 {row['best_f1']:.3f}  {row['ms']:.0f} ms")
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps({"provenance": record, "photographs": photographs, key: figures}, indent=1) + "\n")
    print(f"wrote {file}")


def with_model(detector: str, **refinement: Any) -> YOLO:
    """The detector, refined if anything is given of what `refine_model` takes."""
    model = YOLO(detector)
    if refinement:
        model.model = refine_model(copy.deepcopy(model.model), **refinement)
    return model


def read_photographs(data: Path, images: int | None) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.float64]]]:
    """Name, BGR pixels and faces (n, 4) `x y w h` [px] of each photograph of the validation split."""
    splits = check_det_dataset(str(data))["val"]
    folders = [Path(folder) for folder in (splits if isinstance(splits, list) else [splits])]
    files = sorted(file for folder in folders for file in folder.rglob("*") if file.is_file())
    step = max(1, len(files) // images) if images else 1
    for index, file in enumerate(files[::step]):
        image = cv2.imread(str(file))
        labels = Path(img2label_paths([str(file)])[0])
        rows = [line.split()[1:5] for line in labels.read_text().splitlines()] if labels.is_file() else []
        center_size = np.array(rows, np.float64).reshape(-1, 4) * np.tile(image.shape[1::-1], 2)
        faces = np.concatenate([center_size[:, :2] - center_size[:, 2:] / 2, center_size[:, 2:]], axis=1)
        yield f"{index:05d}/{file.stem}", image, faces


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector", help="trained face model, .pt")
    parser.add_argument("--generator", help="what `ultra-face train-generator` wrote")
    parser.add_argument("--data", required=True, help="data YAML; its validation split is used")
    parser.add_argument("--data-name", required=True, help="the data in words, for the record")
    parser.add_argument("--windows", nargs="+", type=int, default=[4, 8, 16, 32], help="values of K")
    parser.add_argument("--reductions", nargs="+", type=int, default=[2, 3, 4], help="factors of the reduction")
    parser.add_argument("--set", nargs="+", type=setting, default=(), metavar="KEY=VALUE", help="changes to `sr:`")
    parser.add_argument("--images", type=int, help="about so many photographs, evenly spread (default: all)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--name", default="refinement", help="name of the result file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
