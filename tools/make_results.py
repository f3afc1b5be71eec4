"""Write the tables of README.md, RESULTS.md and docs/ and the plots from the files in results/, or check the tables."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.tables.pages import filled
from benchmarks.tables.plots import save_plots
from benchmarks.tables.record import read_record
from ultra_face.cli.command import command

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    *("README.md", "RESULTS.md", "weights/README.md"),
    *(
        f"docs/{name}.md"
        for name in ("training", "refinement", "detector", "folding", "formats", "quantisation", "calibration")
    ),
    *("docs/steadfastness.md", "docs/bulk.md"),
)


@command("make_results")
def main() -> None:
    """Read the command line, write or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if a table is not current, write nothing")
    write(check=parser.parse_args().check)


def write(*, check: bool) -> None:
    """Write the pages and plots, or compare the pages.

    Raises:
        ValueError: a table that is not current, or a record that is not of a clean commit.
        OSError: a page or a record is missing.
    """
    for record in sorted((ROOT / "results").rglob("*.json")):
        read_record(record.parent, record.stem)
    for page in (ROOT / name for name in PAGES):
        text = page.read_text(encoding="utf-8")
        current = filled(text, ROOT / "results")
        if not check:
            page.write_text(current, encoding="utf-8")
        elif text != current:
            raise ValueError(f"{page.relative_to(ROOT)}: a table is not current; run tools/make_results.py")
    if not check:
        save_plots(ROOT / "results", ROOT / "docs" / "pictures")


if __name__ == "__main__":
    main()
