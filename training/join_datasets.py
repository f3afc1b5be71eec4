"""One data set of several prepared ones, with other labels for training where there are better ones.

    ultra-face prepare FOLDER --output datasets/first --split train=train.txt --split val=dev.txt
    ultra-face prepare OTHER --output datasets/second --hold-out 7
    python training/join_datasets.py datasets/first datasets/second --labels LABELS none --output datasets/both

`--labels` takes a folder for each data set, with `NAME.txt` for each training image `NAME.jpg`, or `none` for those it
has. Images are linked to. Each data set stays a set of its own, so that figures can tell them apart.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import yaml

from ultra_face.cli.command import command
from ultra_face.data.prepare import DATA_KEYS
from ultra_face.data.sources import SPLIT_NAMES
from ultra_face.files.whole import write_file, write_link
from ultra_face.formats.files import Claim, claimed, staged
from ultra_face.formats.image_files import find_images
from ultra_face.formats.yolo_pose import label_file


def join(datasets: Mapping[Path, Path | None], output: Path) -> dict[str, int]:
    """Write `output/NAME/images` and `labels` for each data set, and `output/data.yaml` for all.

    Args:
        datasets: prepared data sets, each with a folder of other labels for its training images or None.
        output: folder to write: new, empty, or of an earlier run with the same origin.

    Returns:
        Images of each split.

    Raises:
        FileExistsError: `output` holds files of another origin.
        FileNotFoundError: a data set without images of a split, or an image without label.
        ValueError: two data sets of one name.
    """
    names = [dataset.resolve().name for dataset in datasets]
    if len(set(names)) < len(names):
        raise ValueError(f"expected data sets of different names, got {', '.join(names)}; rename one")
    origin = {str(dataset.resolve()): labels and str(labels.resolve()) for dataset, labels in datasets.items()}
    counts = dict.fromkeys(SPLIT_NAMES, 0)
    with claimed(output, {"joined": origin}) as claim:
        for (dataset, labels), name in zip(datasets.items(), names, strict=True):
            for split in SPLIT_NAMES:
                images, joined = dataset / "images" / split, output / name / "images" / split
                counts[split] += _join_split(images, joined, labels if split == "train" else None, claim)
        folders = {split: [f"{name}/images/{split}" for name in names] for split in SPLIT_NAMES}
        write_file(output / "data.yaml", yaml.safe_dump({**folders, **DATA_KEYS}, sort_keys=False).encode())
    return counts


def _join_split(images: Path, output: Path, labels: Path | None, claim: Claim) -> int:
    """Link the images of one split of one data set and copy their labels; returns how many."""
    files = find_images(images)
    if not files:
        raise FileNotFoundError(f"{images}: expected images, got none; run `ultra-face prepare` with this split")
    for file in files:
        claim.check()
        place = file.relative_to(images)
        label = label_file(file) if labels is None else labels / place.with_suffix(".txt")
        if not label.is_file():
            raise FileNotFoundError(f"{label}: expected the label of {file}, got no such file; add it")
        write_file(label_file(output / place), label.read_bytes())
        write_link(staged(output) / place, file.resolve())
    claim.publish(output)
    return len(files)


@command("join_datasets")
def main() -> None:
    """Read the command line, join, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="+", type=Path, help="prepared data sets with train and val")
    parser.add_argument("--labels", nargs="+", default=[], help="for each of them a folder of labels, or none")
    parser.add_argument("--output", required=True, type=Path, help="folder of the data set to write")
    options = parser.parse_args()
    labels = [None if text == "none" else Path(text) for text in options.labels or ["none"] * len(options.datasets)]
    if len(labels) != len(options.datasets):
        raise ValueError(f"--labels: expected {len(options.datasets)}, one a data set, got {len(labels)}; add `none`")
    counts = join(dict(zip(options.datasets, labels, strict=True)), options.output)
    print(", ".join(f"{split}: {count:,} images" for split, count in counts.items()))
    print(f"data set: {options.output / 'data.yaml'}")


if __name__ == "__main__":
    main()
