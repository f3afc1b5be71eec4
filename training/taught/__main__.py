"""Train a face model with a teacher beside the labels: `yolo train` with a detector that sees the same views.

    python -m training.taught --teacher yolov8n-face.pt cfg=cfg/train/shipped.yaml model=start.pt data=DATA.yaml

All `key=value` are settings of Ultralytics. A label that the teacher does not see weighs less, a face that only the
teacher sees becomes one, and a helper head learns the teacher's word; the checkpoint does not hold it.

Where labels show what the teacher does not know, such as faces behind masks, `--keep-in NAME=SHARE` believes those of a
data set, and the helper head learns nothing inside them. The name is that of the folder above `images`, as
`training/weigh_datasets.py` has it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from ultralytics import YOLO
from ultralytics.cfg import get_cfg, parse_key_value_pair

import ultra_face
from training.taught.teacher import Teaching
from training.taught.trainer import TaughtTrainer
from training.weigh_datasets import number_of_set
from ultra_face.cli.command import command

HELP = {
    "keep": "weight of a label that the teacher does not see",
    "full": "score of the teacher from which a label weighs 1",
    "floor": "score from which a face is one that no label has",
    "helper": "weight of what the helper head learns; 0 for none",
}


@command("taught")
def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m training.taught", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--teacher", required=True, help="checkpoint of a face model without anchors")
    for name, does in HELP.items():
        default = getattr(Teaching, name)
        add(f"--{name}", type=float, default=default, help=f"{does} (default: {default})")
    add("settings", nargs="+", metavar="key=value", help="settings of Ultralytics; model and data at least")
    share = partial(number_of_set, "NAME=SHARE with a number from 0 to 1")
    add(
        "--keep-in", action="append", default=[], type=share, metavar="NAME=SHARE", help="another `keep` for a data set"
    )
    options = parser.parse_args()
    settings = _read_settings(options.settings)
    for key in ("model", "data"):
        if key not in settings:
            parser.error(f"expected {key}=..., got none")
    keep_in = {name: float(share) for name, share in options.keep_in}
    teaching = Teaching(**{name: getattr(options, name) for name in HELP}, keep_in=keep_in)
    ultra_face.register()
    trainer = partial(TaughtTrainer, teacher=options.teacher, teaching=teaching)
    YOLO(settings.pop("model"), task="pose").train(trainer=trainer, **settings)


def _read_settings(pairs: Sequence[str]) -> dict[str, object]:
    """Settings of Ultralytics by their names.

    Raises:
        ValueError: no pair, no setting, or a value of another kind.
    """
    for pair in pairs:
        if not pair.partition("=")[2]:
            raise ValueError(f"{pair}: expected key=value; write it so")
    settings: dict[str, object] = dict(map(parse_key_value_pair, pairs))
    try:
        get_cfg(overrides=settings)
    except (SyntaxError, TypeError) as error:
        raise ValueError(str(error)) from error
    return settings


if __name__ == "__main__":
    main()
