"""Find faces in very many photographs, on all cores or on a cluster, and write a row for each into Parquet files.

A photograph that cannot be read is a row with its error. The same command again goes on where the last run ended.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from ultra_face.bulk import detect
from ultra_face.bulk.job import CORES, ROWS_PER_FILE
from ultra_face.cli.command import add_trust, new_parser, not_negative, positive
from ultra_face.cli.sources import add_detector, detector_settings
from ultra_face.files.trust import is_trusted


def parser() -> ArgumentParser:
    """What the command asks for."""
    new = new_parser(
        "bulk",
        __doc__,
        "photos --output faces --model best.onnx",
        "s3://bucket/photos --output faces --address auto --concurrency 64",
        "photos.parquet --output faces --bytes-column image",
    )
    add = new.add_argument
    add("sources", nargs="+", metavar="SOURCE", help="photographs, folders, patterns, lists (.txt), Parquet; also URIs")
    add("--output", required=True, help="folder of Parquet files; one of an earlier run is continued")
    add("--rows-per-file", type=positive, default=ROWS_PER_FILE, help=f"of Parquet (default: {ROWS_PER_FILE})")
    add("--bytes-column", default="bytes", help="of Parquet sources, with image files (default: bytes)")
    add("--path-column", default="path", help="of Parquet sources, with their names (default: path)")
    add("--quiet", action="store_true", help="show no progress")
    add = new.add_argument_group("actors").add_argument
    add("--concurrency", type=positive, help="how many actors (default: one a core, or as many as GPUs hold)")
    add("--batch-size", type=positive, default=8, help="photographs that an actor takes at once (default: 8)")
    add("--num-cpus", type=not_negative, default=CORES, help=f"cores that Ray counts for an actor (default: {CORES})")
    add("--num-gpus", type=not_negative, default=0, help="GPUs that Ray counts for an actor, such as 0.5 (default: 0)")
    add("--memory", type=not_negative, default=0, help="GiB that Ray counts for an actor (default: none)")
    add("--address", help="of a cluster of Ray, such as auto (default: RAY_ADDRESS, or this machine alone)")
    add_detector(new)
    add_trust(new)
    new.set_defaults(device=None)
    return new


def run(options: Namespace) -> None:
    """Go through the photographs, and say what has been done."""
    done = detect(
        options.sources,
        output=options.output,
        concurrency=options.concurrency,
        batch_size=options.batch_size,
        num_cpus=options.num_cpus,
        num_gpus=options.num_gpus,
        memory=options.memory,
        address=options.address,
        rows_per_file=options.rows_per_file,
        bytes_column=options.bytes_column,
        path_column=options.path_column,
        progress=not options.quiet,
        trust=is_trusted(),
        **detector_settings(options),
    )
    print(
        f"wrote {done.rows} rows with {done.faces} faces to {options.output}; {done.failed} of them have an error, "
        f"{done.skipped} photographs were written before",
        file=sys.stderr,
    )
