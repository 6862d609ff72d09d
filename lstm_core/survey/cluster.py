"""The parts of a survey shared out with Ray Data: the same work on the same parts, so the same survey.

What travels is the number of a part: workers read it from the survey's folder and write there, so on several machines
the folder has to be one that all of them see. A worker that is lost is started again by Ray, and does its part again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import pyarrow as pa

from lstm_core.survey.models import model_of
from lstm_core.survey.part import Work


class Surveyor:
    """A worker: it makes the model once, and then surveys the parts whose numbers it is given."""

    def __init__(self, work: Work, how: tuple[Any, ...]) -> None:
        """work: what is done with a part. how: what ``model_of`` takes."""
        self.work, self.model = work, model_of(*how)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """batch: with a column "part" of numbers. Gives the number and the steps of each part that is then done."""
        numbers = batch.column("part").to_pylist()
        return pa.table({"part": numbers, "steps": [self.work(self.model, number) for number in numbers]})


def run(
    work: Work, how: tuple[Any, ...], numbers: Sequence[int], workers: int | None, memory: int
) -> Iterator[tuple[int, int]]:
    """Each part's number and steps as it is done. workers: of one processor each, by default one for each there is.
    memory: bytes that are reserved for each. Raises ImportError, with how to install it, if Ray is not there."""
    try:
        ray, ray_data = import_module("ray"), import_module("ray.data")
    except ImportError as error:
        raise ImportError("engine='ray' needs Ray: pip install 'gatescope[ray]'") from error
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    workers = min(workers or int(ray.cluster_resources().get("CPU", 1)), len(numbers))
    parts = ray_data.from_items([{"part": number} for number in numbers], override_num_blocks=len(numbers))
    done = parts.map_batches(
        Surveyor,
        fn_constructor_args=(work, how),
        compute=ray_data.ActorPoolStrategy(min_size=workers, max_size=workers),
        batch_format="pyarrow",
        batch_size=1,
        num_cpus=1,
        num_gpus=1 if how[-1] == "cuda" else None,
        memory=memory,
    )
    for batch in done.iter_batches(batch_size=1, batch_format="pyarrow", prefetch_batches=0):
        yield from zip(batch.column("part").to_pylist(), batch.column("steps").to_pylist(), strict=True)
