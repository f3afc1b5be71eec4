"""What commands read of a data YAML: the folders and lists of images of its splits, as `yolo train` finds them.

Its `download:` is a program or an address that fetches missing images. A copy of a packaged YAML may fetch, and so may
those that Ultralytics brings; a file of another origin only where it is trusted.
"""

from __future__ import annotations

from pathlib import Path

from ultra_face.files.trust import is_trusted
from ultra_face.formats.files import named
from ultra_face.formats.yaml_files import read_yaml
from ultra_face.plugin.files import packaged_data

EXPECTED = "a data YAML as for yolo train"
REMEDY = "cfg/datasets/faces-demo.yaml shows one"

_SUFFIXES = (".yaml", ".yml")


def data_folders(data: str, *splits: str) -> list[list[str]]:
    """The folders or lists of images of splits of a data YAML.

    Raises:
        FileNotFoundError: there is no such file, or none of its images.
        ValueError: it is no data YAML.
    """
    from ultralytics.data.utils import check_det_dataset  # only here: most commands need no torch

    with named(data, EXPECTED, REMEDY):
        refused = not is_trusted() and _fetches_by_itself(data)
        try:
            read = check_det_dataset(data, autodownload=not refused)
        except FileNotFoundError as error:
            hint = "; what would fetch them runs only with --trust" if refused else ""
            told = " ".join(str(error).split())
            raise FileNotFoundError(f"{told if data in told else f'{data}: {told}'}{hint}") from error
        for split in splits:
            if not read.get(split):
                raise ValueError(f"{data}: expected images of {split}, got none; {REMEDY}")
        return [read[split] if isinstance(read[split], list) else [read[split]] for split in splits]


def _fetches_by_itself(data: str) -> bool:
    """Whether a file says how to fetch its images, in other words than a packaged one.

    Raises:
        ValueError: no YAML, as archives and addresses are, or one that stands for too much.
    """
    given = Path(data)
    if "://" in data or (given.is_file() and given.suffix not in _SUFFIXES):
        raise ValueError(f"{data}: expected {EXPECTED}, got a file of another kind; {REMEDY}")
    files = sorted(given.iterdir()) if given.is_dir() else [given, *(Path(f"{data}{suffix}") for suffix in _SUFFIXES)]
    own = [read_yaml(file, EXPECTED) for file in files if file.suffix in _SUFFIXES and file.is_file()]
    known = [read_yaml(file, EXPECTED)["download"] for file in packaged_data()]
    said = [content.get("download") for content in own if isinstance(content, dict)]
    return any(fetch is not None and fetch not in known for fetch in said)
