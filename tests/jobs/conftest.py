"""Jobs with small photos, and specs for the fakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import COLOURS, RESOLUTIONS, open_fake
from PIL import Image

from facemod.editing.results import ResultKind
from facemod.editing.treatments import Retouch
from facemod.fidelity.ladder import Fidelity
from facemod.jobs.journal import Log
from facemod.jobs.plan import Job
from facemod.jobs.spec import Spec
from facemod.latent.edits import Shift

SIDE = 96


@pytest.fixture
def make_jobs(tmp_path: Path) -> Callable[..., list[Job]]:
    """Photos of one face each in ``in``, whose results go to ``out``."""

    def make(count: int, faces: int = 1) -> list[Job]:
        (tmp_path / "in").mkdir(exist_ok=True)
        jobs = []
        for i in range(count):
            noise = np.random.default_rng(i).integers(60, 180, (SIDE, SIDE * faces, 3), np.uint8)
            path = tmp_path / f"in/{i:03}.png"
            Image.fromarray(noise).save(path)
            jobs.append(Job(path, (tmp_path / f"out/{i:03}.png",), Path(path.name)))
        return jobs

    return make


@pytest.fixture
def make_spec(tmp_path: Path) -> Callable[..., Spec]:
    """A spec for reddening faces with the fake model, or with another one."""
    shift = torch.zeros(len(RESOLUTIONS), COLOURS)
    shift[3:9, 0] = 0.4
    treatment = Retouch(Shift(shift), Fidelity.TRANSFER, ResultKind.PHOTO, mark=None)

    def make(open_editor=open_fake, **more: object) -> Spec:
        log = Log(tmp_path / "out", "20260101-000000-abcdef", "settings")
        return Spec(treatment, open_editor, **{"log": log, "threads": 2} | more)

    return make
