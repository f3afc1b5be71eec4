"""The table of models in whole numbers beside their float files, from `results/int8.json`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.tables.record import landmark_error, markdown, percent, read_record, source

NAME = "int8"


def int8(results: Path) -> str:
    """AP by face height, landmark error, size and milliseconds, a row a file and run time."""
    record = read_record(results, NAME)
    rows = record["rows"]
    bands, threads = list(rows[0]["by_height"]), list(rows[0]["ms"])
    body = [
        [
            row["runtime"],
            row["name"],
            percent(row["ap50"]["all"]),
            *(percent(row["by_height"][band]) for band in bands),
            landmark_error(row),
            f"{row['megabytes']:.1f}",
            *(f"{row['ms'][count]:.0f}" for count in threads),
        ]
        for row in rows
    ]
    heights = [band.replace("-inf px", " px and more") for band in bands]
    taken = [f"{count} thread{'s' * (count != '1')}, ms" for count in threads]
    heads = ["run time", "file", "AP50", *heights, "landmark error", "MB", *taken]
    run = record["provenance"]
    config = run["config"]
    made_on = (
        f"{record['photographs']} photographs: {run['data']}; {config['calibration photographs']} others to calibrate "
        f"on; input {config['imgsz']} px. {source(record, NAME)}"
    )
    return f"{markdown(heads, body)}\n\n{made_on}"
