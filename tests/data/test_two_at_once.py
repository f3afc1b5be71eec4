"""Two runs that prepare the same folder at once: one result that is whole, and a sentence for the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from ultra_face.data.prepare import prepare_dataset
from ultra_face.files.whole import OutputError

SPLITS = {"train": "train.txt", "val": "dev.txt"}


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_second_of_two_runs_is_told_to_wait(retinaface_source, tmp_path):
    output, refused = tmp_path / "prepared", []

    def start_another(jobs):
        for job in jobs:
            with pytest.raises(OutputError, match="prepared: expected to write it alone, got another"):
                prepare_dataset([retinaface_source], output, split_lists=SPLITS)
            refused.append(job)
            yield job

    prepare_dataset([retinaface_source], output, split_lists=SPLITS, progress=start_another)
    assert len(refused) == 3
    prepare_dataset([retinaface_source], tmp_path / "alone", split_lists=SPLITS)
    assert files(output) == files(tmp_path / "alone")
    assert prepare_dataset([retinaface_source], output, split_lists=SPLITS).splits["train"].written_images == 0
