"""Count the models in the tables of docs/parameters.md and write the counts there, or check them."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from ultralytics.nn.tasks import PoseModel
from ultralytics.utils.torch_utils import get_flops

from ultra_face.cli.command import command

PAGE = Path(__file__).resolve().parents[1] / "docs" / "parameters.md"
# | row | `model` | classes, landmarks x values | published millions or a dash | then what is counted and replaced.
ROW = re.compile(r"(\| .+ \| `(.+)` \| (\d+), (\d) x (\d) \| ([\d.]+|-) \|).*")


def counted(row: re.Match[str]) -> str:
    """Complete a row with parameters, their difference from the published ones, and GFLOPs at 640 px."""
    start, name, classes, landmarks, values, published = row.groups()
    model = PoseModel(f"{name}.yaml", nc=int(classes), data_kpt_shape=(int(landmarks), int(values)), verbose=False)
    ours = sum(parameter.numel() for parameter in model.parameters())
    difference = "-"
    if published != "-":
        difference = f"{round(ours / float(published) / 1e4 - 100, 1) + 0.0:+} %"  # no negative zero
    return f"{start} {ours:,} | {difference} | {get_flops(model, 640):.1f} |"


@command("parameter_table")
def main() -> None:
    """Read the command line, count, write or compare."""
    add = (parser := argparse.ArgumentParser(description=__doc__)).add_argument
    add("--check", action="store_true", help="fail if the page is not current, write nothing")
    add("--page", type=Path, default=PAGE, help="page with the tables")
    choices = parser.parse_args()
    current = ROW.sub(counted, page := choices.page.read_text(encoding="utf-8"))
    if not choices.check:
        choices.page.write_text(current, encoding="utf-8")
    elif page != current:
        sys.exit(f"{choices.page}: the counts are not current; run tools/parameter_table.py")


if __name__ == "__main__":
    main()
