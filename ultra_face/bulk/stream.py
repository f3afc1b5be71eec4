"""The stream of rows: a data set of photographs through a fixed number of actors, as it comes."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import ray
import ray.data
from ray.exceptions import RayError

from ultra_face.bulk.actor import Looker, Task
from ultra_face.bulk.cluster import Request


def stream_rows(
    photographs: ray.data.Dataset, task: Task, request: Request, *, num_actors: int, batch_size: int
) -> Iterator[pa.Table]:
    """Look at photographs; Ray must run.

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
        *_, last = filter(None, str(error).splitlines())
        raise ValueError(f"bulk: expected actors that work, got {last.strip()}; correct that and run again") from error
