"""A training list that draws each data set as often as its weight says.

    python training/join_datasets.py datasets/wider datasets/crowd --output datasets/both
    python training/weigh_datasets.py datasets/both/data.yaml --weights wider=2 crowd=1 --output datasets/weighted.yaml
    yolo train data=datasets/weighted.yaml

Beside the data YAML lies the list that its `train:` names, one image a line. An image stands there as often as its data
set needs, so that all images of a set differ by one at most in how often they are seen; `--seed` chooses those that are
seen once more. Ultralytics goes through the whole list in each epoch. Without `--images` it is just long enough to hold
every image. With `cache=ram` an image takes its memory as often as it is listed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import yaml

from ultra_face.cli.command import command, positive
from ultra_face.cli.data_yaml import EXPECTED, data_folders
from ultra_face.files.whole import write_file
from ultra_face.formats.image_files import find_images
from ultra_face.formats.yaml_files import read_yaml

PLACES = ("path", "download")
"""What a data YAML says of where images are, which the new one has in full."""


def shares(weights: Sequence[Fraction], number: int) -> list[int]:
    """So many draws divided by weight, in whole numbers; the largest remainders are rounded up, the first of equals."""
    exact = [number * weight / sum(weights) for weight in weights]
    whole = [math.floor(share) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda index: whole[index] - exact[index])
    for index in by_remainder[: number - sum(whole)]:
        whole[index] += 1
    return whole


def least_number(weights: Sequence[Fraction], counts: Sequence[int]) -> int:
    """The least number of draws that holds every image of sets of so many images and weights above 0."""
    return max(math.ceil(count * sum(weights) / weight) for weight, count in zip(weights, counts, strict=True))


def repeated(images: Sequence[Path], number: int, generator: np.random.Generator) -> list[Path]:
    """So many of some images: each as often as the others, or once more."""
    times, rest = divmod(number, len(images))
    once_more = set(generator.choice(len(images), rest, replace=False).tolist())
    return [image for index, image in enumerate(images) for _ in range(times + (index in once_more))]


def training_sets(data: Path) -> dict[str, list[Path]]:
    """The training images of each data set of a data YAML; its name is that of the folder above `images`.

    Raises:
        FileNotFoundError: a folder that is not there or has no images.
        ValueError: no data YAML, or two data sets of one name.
    """
    (folders,) = data_folders(str(data), "train")
    sets: dict[str, list[Path]] = {}
    for folder in map(Path, folders):
        images, name = find_images(folder), set_name(folder)
        if not images:
            raise FileNotFoundError(f"{folder}: expected a folder of images, got none; name one in train: of {data}")
        if name in sets:
            raise ValueError(f"{data}: expected data sets of different names, got {name} twice; rename one")
        sets[name] = images
    return sets


def set_name(folder: Path) -> str:
    """The data set of a folder of images: the folder above `images`, or itself where it is not below one."""
    above = [parent.parent.name for parent in (folder, *folder.parents) if parent.name == "images"]
    return above[0] if above else folder.name


def weigh(
    data: Path, weights: Mapping[str, Fraction], output: Path, *, number: int | None = None, seed: int = 0
) -> dict[str, tuple[int, int]]:
    """Write a data YAML and, beside it, the list of its training images.

    Args:
        data: data YAML whose `train:` names a folder for each data set.
        weights: of each data set, relative to their sum; a set of weight 0 is left out.
        output: data YAML to write.
        number: images of the list; None for as many as hold every image.
        seed: of the choice of images that are seen once more than others.

    Returns:
        Images and draws of each data set that is in the list.

    Raises:
        FileExistsError: there are such files with other content.
        FileNotFoundError: as `training_sets`.
        ValueError: as `training_sets`; or weights of other data sets than there are, or all 0.
    """
    sets = training_sets(data)
    if set(weights) != set(sets):
        raise ValueError(f"--weights: expected one for each of {', '.join(sets)}, got {', '.join(weights)}; name these")
    names = [name for name in sets if weights[name] > 0]
    if not names:
        raise ValueError("--weights: expected one above 0, got none; give the data sets to train on some")
    chosen = [weights[name] for name in names]
    number = number or least_number(chosen, [len(sets[name]) for name in names])
    draws = dict(zip(names, shares(chosen, number), strict=True))
    generator = np.random.default_rng(seed)
    lines = [f"{image.absolute()}\n" for name in names for image in repeated(sets[name], draws[name], generator)]
    listed = output.with_suffix(".txt")
    files = {listed: "".join(lines), output: yaml.safe_dump(_description(data, listed), sort_keys=False)}
    for file, text in files.items():
        if file.exists() and file.read_text(encoding="utf-8") != text:
            raise FileExistsError(
                f"{file}: expected a new file, got one with other content; choose another --output, or delete this one"
            )
    for file, text in files.items():
        write_file(file, text.encode())
    return {name: (len(sets[name]), draws[name]) for name in names}


def _description(data: Path, listed: Path) -> dict[str, object]:
    """What a data YAML says, with another list for training and the places of its other images written out."""
    content = {key: value for key, value in read_yaml(data, EXPECTED).items() if key not in PLACES}
    others = {split: data_folders(str(data), split)[0] for split in ("val", "test") if content.get(split)}
    return {**content, "train": listed.name, **others}


def number_of_set(expected: str, text: str) -> tuple[str, Fraction]:
    """`NAME=NUMBER` of a command line: a data set and a number of 0 or more.

    Raises:
        ArgumentTypeError: no name or no such number; it names what was `expected`.
    """
    name, _, number = text.rpartition("=")
    try:
        value = Fraction(number)
    except (ValueError, ZeroDivisionError):
        value = Fraction(-1)
    if not name or value < 0:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return name, value


@command("weigh_datasets")
def main() -> None:
    """Read the command line, weigh, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("data", type=Path, help="data YAML whose train: names a folder for each data set")
    weight = partial(number_of_set, "NAME=WEIGHT with a weight of 0 or more")
    add("--weights", required=True, nargs="+", type=weight, metavar="NAME=WEIGHT", help="of each data set")
    add("--output", required=True, type=Path, help="data YAML to write; the list beside it has its name and .txt")
    add("--images", type=positive, help="images of an epoch (default: as few as hold every image)")
    add("--seed", type=int, default=0, help="of the choice of images that are seen once more (default: 0)")
    options = parser.parse_args()
    if options.output.suffix not in (".yaml", ".yml"):
        raise ValueError(f"--output: expected a name that ends in .yaml, got {options.output}; choose one")
    if len(dict(options.weights)) < len(options.weights):
        raise ValueError("--weights: expected one for each data set, got two for one; leave one out")
    counts = weigh(options.data, dict(options.weights), options.output, number=options.images, seed=options.seed)
    for name, (images, draws) in counts.items():
        print(f"{name}: {images:,} images, {draws:,} draws, {draws / images:.2f} each")
    print(f"data set: {options.output}, {sum(draws for _, draws in counts.values()):,} images an epoch")


if __name__ == "__main__":
    main()
