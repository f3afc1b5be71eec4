"""Count the models in the table of docs/parameters.md and write the counts there, or check them."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from ultralytics.nn.tasks import PoseModel

PAGE = Path(__file__).resolve().parents[1] / "docs" / "parameters.md"
# | row of the paper | `model` | millions in the paper | then ours and the difference, which are replaced.
ROW = re.compile(r"(\| .+ \| `(.+)` \| ([\d.]+) \|).*")


def counted(row: re.Match[str]) -> str:
    """Complete a row, counting as the paper does: 80 classes, two values a landmark."""
    start, name, paper = row.groups()
    model = PoseModel(f"{name}.yaml", nc=80, data_kpt_shape=(5, 2), verbose=False)
    ours = sum(parameter.numel() for parameter in model.parameters())
    difference = round(ours / float(paper) / 1e4 - 100, 1) + 0.0  # no negative zero
    return f"{start} {ours:,} | {difference:+} % |"


def main() -> None:
    """Read the command line, count, write or compare."""
    add = (parser := argparse.ArgumentParser(description=__doc__)).add_argument
    add("--check", action="store_true", help="fail if the page is not current, write nothing")
    add("--page", type=Path, default=PAGE, help="page with the table")
    choices = parser.parse_args()
    current = ROW.sub(counted, page := choices.page.read_text(encoding="utf-8"))
    if not choices.check:
        choices.page.write_text(current, encoding="utf-8")
    elif page != current:
        sys.exit(f"{choices.page}: the counts are not current; run tools/parameter_table.py")


if __name__ == "__main__":
    main()
