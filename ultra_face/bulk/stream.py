"""The stream of rows: a data set of photographs through a fixed number of actors, as it comes."""

from __future__ import annotations

import re
from collections.abc import Generator

import pyarrow as pa
import ray
import ray.data
from ray.exceptions import RayError

from ultra_face.bulk.actor import Looker, Task
from ultra_face.bulk.cluster import Request

_REASON = re.compile(r"^\w*(Error|Exception): .+$", re.MULTILINE)
"""The line of a traceback that says why; the first is that of the actor, others follow from it."""


def stream_rows(
    photographs: ray.data.Dataset, task: Task, request: Request, *, num_actors: int, batch_size: int
) -> Generator[pa.Table, None, None]:
    """Look at photographs; Ray must run, also when the generator is closed.

    Args:
        photographs: with the columns that the task tells.
        task: of all actors.
        request: what Ray sets aside for each.
        num_actors: that work at the same time; the cluster must have room for them.
        batch_size: photographs that an actor takes at once.

    Yields:
        Rows of `ultra_face.bulk.rows.SCHEMA`, in no order.

    Raises:
        ValueError: an actor or a reader fails; photographs that fail are rows instead.
    """
    shared = ray.put(task)  # kept here as long as the actors need it
    rows = photographs.map_batches(
        Looker,
        fn_constructor_args=[[shared]],
        batch_size=batch_size,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=num_actors),
        num_cpus=request.cores,
        num_gpus=request.gpus,
        memory=request.memory_bytes or None,
    )
    try:
        yield from rows.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
    except RayError as error:
        reason = _REASON.search(str(error))
        told = reason[0] if reason else str(error).strip().splitlines()[-1]
        raise ValueError(f"bulk: expected actors that work, got {told}; correct that and run again") from error
