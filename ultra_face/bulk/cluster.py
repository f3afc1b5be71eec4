"""Ray, started on this machine or joined where it runs, and whether it can ever give what a job asks for."""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

GIB = 1 << 30
STANDARD_ERROR = 2
SECONDS = 10
"""That a cluster has to answer."""
CORES, GPUS, MEMORY = "CPU", "GPU", "memory"
"""Ray's names."""

WORDS = {CORES: ("cores", 1), GPUS: ("GPUs", 1), MEMORY: ("GiB of memory", GIB)}
"""What they are called here, and how much of Ray's unit one is."""

SILENCE = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Ray's own switches: it tells nobody that it is used, and its inner parts keep their advice to themselves."""


@dataclass(frozen=True)
class Request:
    """What Ray sets aside for each actor: shares of a plan, which limit nothing.

    Attributes:
        cores: a fraction leaves room for what Ray does itself.
        gpus: a fraction lets actors share one.
        memory: [GiB]; 0 where nobody counts it.
    """

    cores: float
    gpus: float = 0
    memory: float = 0

    @property
    def memory_bytes(self) -> int:
        """The memory, as Ray counts it."""
        return round(self.memory * GIB)

    @property
    def resources(self) -> dict[str, float]:
        """What is asked for, by Ray's names and in its units."""
        asked = {CORES: self.cores, GPUS: self.gpus, MEMORY: self.memory_bytes}
        return {name: amount for name, amount in asked.items() if amount}


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """Join the cluster at an address, or start Ray on this machine; it is left at the end of the block.

    Where this process uses Ray already, that is taken as it is, and stays.

    Args:
        address: as Ray has it, such as `auto`, `10.0.0.1:6379` or `ray://10.0.0.1:10001`; by default that of the
            environment variable `RAY_ADDRESS`, and without one this machine alone.

    Raises:
        ConnectionError: no cluster answers there.
    """
    for name, value in SILENCE.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        with _quiet():
            yield
        return
    where = address or os.environ.get("RAY_ADDRESS") or "local"
    _knock(where)
    local: dict[str, Any] = {"include_dashboard": False} if where == "local" else {}
    try:
        with _no_standard_error():
            ray.init(address=where, log_to_driver=False, logging_level=logging.ERROR, **local)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConnectionError(
            f"{where}: expected a cluster of Ray, got no answer ({' '.join(str(error).split())}); check the address"
        ) from error
    try:
        with _quiet():
            yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Find out within seconds whether a server listens, for which Ray would take minutes.

    Raises:
        ConnectionError: none does.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdecimal()):
        return  # a word, or what Ray finds wrong itself
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS).close()
    except OSError as error:
        raise ConnectionError(
            f"{address}: expected a cluster of Ray, got no answer ({error}); check the address, or `ray status` there"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out Ray's plans, advice and bars, which are for those who tune it; a job shows its own progress."""
    import ray.data

    context, log = ray.data.DataContext.get_current(), logging.getLogger("ray.data")
    bars, level = context.enable_progress_bars, log.level
    context.enable_progress_bars = False
    log.setLevel(logging.CRITICAL)  # its errors are raised, too
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The minimum number of concurrent actors", UserWarning)
            yield
    finally:
        context.enable_progress_bars = bars
        log.setLevel(level)


@contextmanager
def _no_standard_error() -> Iterator[None]:
    """Keep the libraries below Python from saying that they have been told to say less; errors are raised."""
    kept = os.dup(STANDARD_ERROR)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), STANDARD_ERROR)
        yield
    finally:
        os.dup2(kept, STANDARD_ERROR)
        os.close(kept)


def machines() -> list[dict[str, float]]:
    """The resources of each machine of the cluster by Ray's names, whoever uses them at the moment."""
    import ray

    return [dict(node["Resources"]) for node in ray.nodes() if node["Alive"]]


def most_actors(machines: Sequence[Mapping[str, float]], request: Request, spare_cores: float) -> int:
    """How many actors a cluster can ever have, each on one machine.

    Args:
        machines: of the cluster.
        request: of each actor.
        spare_cores: which must be left for the tasks that read.
    """
    room = sum(
        min(int(machine.get(name, 0) / amount) for name, amount in request.resources.items()) for machine in machines
    )
    left = sum(machine.get(CORES, 0) for machine in machines) - spare_cores
    return max(0, min(room, int(left / request.cores)))


def num_actors(
    machines: Sequence[Mapping[str, float]], request: Request, spare_cores: float, concurrency: int | None
) -> int:
    """How many actors a job has: those it asks for, or one a core, or with GPUs as many as these hold.

    Raises:
        ValueError: the cluster can never have them, and Ray would wait for ever.
    """
    most = most_actors(machines, request, spare_cores)
    if concurrency is None:
        cores = int(sum(machine.get(CORES, 0) for machine in machines))
        concurrency = max(1, most if request.gpus else min(most, cores))
    if concurrency <= most:
        return concurrency
    each = ", ".join(f"{amount / WORDS[name][1]:g} {WORDS[name][0]}" for name, amount in request.resources.items())
    total = ", ".join(
        f"{sum(machine.get(name, 0) for machine in machines) / unit:.4g} {words}"
        for name, (words, unit) in WORDS.items()
    )
    raise ValueError(
        f"bulk: expected a cluster with room for {concurrency} actors of {each} each, got one for {most}, with {total} "
        f"on {len(machines)} machines; ask for less with concurrency, num_cpus, num_gpus or memory"
    )
