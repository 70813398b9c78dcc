"""A Ray cluster of two nodes on this machine, one of whose workers is killed in the middle."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from fakes import FakeDetector, FakeModel

from facemod.editing.editor import Editor
from facemod.errors import MissingExtraError
from facemod.jobs import cluster

ROOT = Path(__file__).parents[2]


class KilledOnce:
    """Opens editors whose process is killed at its tenth face, but only the first such process."""

    def __init__(self, died: Path) -> None:
        self.died = died

    def __call__(self, device: str) -> Editor:
        return Editor(MortalModel(self.died), FakeDetector())


class MortalModel(FakeModel):
    def __init__(self, died: Path) -> None:
        self.died, self.faces = died, 0

    def encode(self, images):
        self.faces += 1
        if self.faces == 10 and not self.died.exists():
            self.died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(images)


@pytest.fixture
def two_nodes(monkeypatch):
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install facemod[ray]")
    pytest.importorskip("ray.data", reason="Ray Data is not installed: pip install facemod[ray]")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{ROOT / 'tests'}")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes.add_node(num_cpus=1)
    monkeypatch.setenv("RAY_ADDRESS", nodes.address)
    yield nodes
    ray.shutdown()
    nodes.shutdown()


@pytest.mark.timeout(280)
def test_a_killed_worker_loses_nothing(two_nodes, make_jobs, make_spec, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CORES_OF_A_WORKER", 1)
    jobs = make_jobs(40)
    jobs[3].source.write_bytes(b"rubbish")
    died = tmp_path / "died"
    outcomes = list(cluster.run(make_spec(KilledOnce(died)), jobs))
    assert died.exists()
    found = {outcome.input: outcome for outcome in outcomes}
    assert len(outcomes) == len(found) == 40
    statuses = Counter(outcome.status for outcome in outcomes)
    # What the dead worker had finished is recognised, not done again.
    assert statuses["failed"] == 1
    assert statuses["done"] + statuses["skipped"] == 39
    assert all(job.target.exists() for job in jobs if job is not jobs[3])


def test_without_ray_the_message_says_what_to_install(monkeypatch, make_spec):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"facemod\[ray\]"):
        list(cluster.run(make_spec(), []))
