"""PSNR and SSIM of generators on held-out face crops, against bicubic enlargement, for two reductions.

python benchmarks/bench_generator.py --data DATA.yaml --generator best-pixel.pt --data-name NAME

The crops come from the validation split; they are reduced with and without antialiasing and not otherwise degraded.
Times are processor times of a batch of windows on one thread, the norms of ours folded.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch
from torch import nn
from ultralytics.data.utils import check_det_dataset

from benchmarks.peers.srgan import load_peer
from benchmarks.provenance import REPOSITORY, provenance
from ultra_face.formats.image_files import list_images
from ultra_face.nn.srgan import Generator
from ultra_face.super_resolution.checkpoint import load_generator, read_record
from ultra_face.super_resolution.crops import CropSettings
from ultra_face.super_resolution.degrade import enlarge
from ultra_face.super_resolution.face_images import FaceImage, find_images
from ultra_face.super_resolution.held_out import by_network, draw_face_crops, measure_all

RESULT = REPOSITORY / "results" / "generator.json"
SEED = 1000  # another draw than the crops that chose the best checkpoint
WINDOWS = (16, 64)  # number and side [px] of the windows that are timed
ROUNDS = 5


def main() -> None:
    """Measure, write the result file, print the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="data YAML; its val split is measured")
    parser.add_argument("--data-name", required=True, help="data in words, for the record")
    parser.add_argument("--generator", type=Path, nargs="+", required=True, help="checkpoints of one scale")
    parser.add_argument("--peer", type=Path, help="x4 weights in leftthomas/SRGAN's layout")
    parser.add_argument("--crops", type=int, default=300)
    parser.add_argument("--tile", type=int, default=96, help="side of the crops [px]")
    parser.add_argument("--min-face", type=float, default=24.0, help="smallest face in a crop [px]")
    parser.add_argument("--output", type=Path, default=RESULT)
    arguments = parser.parse_args()

    if len({file.stem for file in arguments.generator}) < len(arguments.generator):
        parser.error("expected generators of different file names, which tell them apart in the record")
    torch.set_num_threads(1)
    settings = CropSettings(arguments.tile, arguments.min_face, background=0.0)
    crops = draw_face_crops(held_out(arguments.data, settings), settings, count=arguments.crops, seed=SEED)
    generators = {file.stem: load_generator(file) for file in arguments.generator}
    scales = {generator.scale for generator in generators.values()}
    if len(scales) > 1:
        parser.error(f"expected generators of one scale, got {sorted(scales)}")
    scale = scales.pop()
    networks: dict[str, nn.Module] = dict(generators)
    if arguments.peer:
        networks["peer"] = load_peer(arguments.peer)
    enlargements = {"bicubic": partial(enlarge, scale=scale)} | {
        name: by_network(network) for name, network in networks.items()
    }
    quality = {
        name: {reduction: asdict(found) for reduction, found in measure_all(way, crops, scale=scale).items()}
        for name, way in enlargements.items()
    }
    config = {"scale": scale, "crops": len(crops), **asdict(settings), "windows": WINDOWS, "rounds": ROUNDS}
    record = {
        "provenance": provenance(config, arguments.data_name, SEED),
        "quality": quality,
        "networks": {
            name: {
                "parameters": sum(parameter.numel() for parameter in network.parameters()),
                "windows_ms": milliseconds(network.fuse() if isinstance(network, Generator) else network),
            }
            for name, network in networks.items()
        },
        "generators": {
            name: generator.architecture | read_record(file)
            for (name, generator), file in zip(generators.items(), arguments.generator, strict=True)
        },
    }
    arguments.output.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({"quality": quality, "networks": record["networks"]}, indent=2))


def held_out(data: str, settings: CropSettings) -> list[FaceImage]:
    """The images of the validation split."""
    val = check_det_dataset(data)["val"]
    locations = val if isinstance(val, list) else [val]
    return find_images(list_images(locations), tile=settings.tile, min_face=settings.min_face)


@torch.inference_mode()
def milliseconds(network: nn.Module) -> float:
    """Least processor time of a batch of windows on one thread [ms]."""
    number, side = WINDOWS
    windows, times = torch.rand(number, 3, side, side), []
    for _ in range(ROUNDS):
        start = time.process_time()
        network(windows)
        times.append(time.process_time() - start)
    return round(1e3 * min(times), 1)


if __name__ == "__main__":
    main()
