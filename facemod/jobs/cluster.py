"""Running jobs on a Ray cluster: Ray Data hands out the photos, the worker is the same.

All machines need the same file system: photos, results and logs are reached by the same paths.
A worker or machine that dies is replaced by Ray, and the photos it had are given out again; what
it had finished already is recognised by the log, and not done twice.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from facemod.errors import MissingExtraError
from facemod.jobs.outcome import Outcome
from facemod.jobs.plan import Job
from facemod.jobs.processes import WorkerDiedError
from facemod.jobs.spec import Spec
from facemod.jobs.worker import Worker, never

PHOTOS_AT_ONCE = 16
"""Photos that a worker gets, and answers, together."""
CORES_OF_A_WORKER = 4


class Carrier:
    """The worker as Ray Data calls it: pickled jobs in, pickled outcomes out."""

    def __init__(self, spec: Spec) -> None:
        self.worker = Worker(spec)
        self.worker.open()

    def __call__(self, rows: dict[str, Any]) -> dict[str, list[bytes]]:
        outcomes = self.worker([pickle.loads(job) for job in rows["job"]])
        return {"outcome": [pickle.dumps(outcome) for outcome in outcomes]}


def run(spec: Spec, jobs: Sequence[Job], stop: Callable[[], bool] = never) -> Iterator[Outcome]:
    """An outcome for each job as it comes; after ``stop`` no more.

    Connects to the cluster that ``RAY_ADDRESS`` names or that runs here, or starts one here.

    Raises:
        MissingExtraError: Ray is not installed.
        WorkerDiedError: the cluster gave up.
    """
    ray = import_ray()
    ray.init(ignore_reinit_error=True, log_to_driver=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    if spec.log:
        spec = replace(spec, log=replace(spec.log, folder=spec.log.folder.absolute()))
    names = {str(job.source.absolute()): job for job in jobs}
    rows = [{"job": pickle.dumps(with_absolute_paths(job))} for job in jobs]
    if not rows:
        return
    workers, resources = shares(ray.cluster_resources(), spec.device)
    parts = min(len(rows), 4 * workers)
    outcomes = ray.data.from_items(rows, override_num_blocks=parts).map_batches(
        Carrier,
        fn_constructor_args=(spec,),
        batch_size=PHOTOS_AT_ONCE,
        concurrency=(1, workers),
        **resources,
    )
    try:
        for row in outcomes.iter_rows():
            yield as_asked(pickle.loads(row["outcome"]), names)
            if stop():
                return
    except ray.exceptions.RayError as problem:
        raise WorkerDiedError(f"the Ray cluster gave up: {str(problem).strip()}") from problem


def import_ray() -> Any:
    """Ray with its data part. Raises MissingExtraError."""
    try:
        import ray
        import ray.data
    except ImportError as problem:
        raise MissingExtraError(
            f'--engine ray needs an extra ({problem.name} is missing): pip install "facemod[ray]"'
        ) from None
    return ray


def shares(there: dict[str, float], device: str) -> tuple[int, dict[str, float]]:
    """How many workers a cluster has room for, and what each may use."""
    if device.startswith("cuda"):
        return max(1, int(there.get("GPU", 1))), {"num_gpus": 1}
    cores = min(CORES_OF_A_WORKER, max(1, int(there.get("CPU", 1))))
    return max(1, int(there.get("CPU", 1)) // cores), {"num_cpus": cores}


def with_absolute_paths(job: Job) -> Job:
    """A job that means the same from any working folder."""
    targets = tuple(target.absolute() for target in job.targets)
    return replace(job, source=job.source.absolute(), targets=targets)


def as_asked(outcome: Outcome, jobs: dict[str, Job]) -> Outcome:
    """An outcome with the names that the user gave."""
    job = jobs[outcome.input]
    return replace(outcome, input=str(job.source), output=outcome.output and str(job.target))
