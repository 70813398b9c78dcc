"""The whole command line in this process, with a fake model, a fake detector and toy presets."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import typer
from fakes import FakeDetector, FakeModel
from PIL import Image
from toys import write_toy_presets
from walking import walked

import facemod.faces.detect
from facemod.latent import presets
from facemod.models import registry

PRESETS = write_toy_presets(Path(tempfile.mkdtemp(prefix="facemod-presets-")))

# Presets become options when a command is first asked for, which therefore happens here.
with pytest.MonkeyPatch.context() as patch:
    patch.setattr(presets, "preset_folders", lambda: [PRESETS])
    from facemod.cli.app import app, main

    list(walked(typer.main.get_command(app)))


class Run(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The envelope; fails if anything else is on stdout."""
        assert self.out.count("\n") == 1
        return json.loads(self.out)


RunCommand = Callable[..., Run]
MakePhoto = Callable[..., Path]


@pytest.fixture(autouse=True)
def toy_presets(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The presets that the options were made from, and no others."""
    monkeypatch.setattr(presets, "preset_folders", lambda: [PRESETS])
    return PRESETS


@pytest.fixture
def use_model(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeModel], None]:
    """Make a fake the bundled model."""
    return lambda model: monkeypatch.setitem(
        registry.LOADERS, registry.BUNDLED, lambda device: model
    )


@pytest.fixture(autouse=True)
def workplace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, use_model: Callable[[FakeModel], None]
) -> Path:
    """An empty folder to work in, where the fakes are the only model and detector."""
    use_model(FakeModel())
    detector = (FakeDetector(), "the fake detector")
    monkeypatch.setattr(facemod.faces.detect, "make_detector", lambda name, device: detector)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunCommand:
    """Run a command line as the console script does."""

    def run_command(*words: object) -> Run:
        monkeypatch.setattr(sys, "argv", ["facemod", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Run(ended.value.code or 0, *capsys.readouterr())

    return run_command


@pytest.fixture
def photo(workplace: Path) -> MakePhoto:
    """Write a photo of flat noise around one colour; ``faces`` side by side, 0 for a black one."""
    rng = np.random.default_rng(5)

    def make(name: str, colour: tuple[int, int, int] = (90, 120, 150), faces: int = 1) -> Path:
        noise = rng.integers(-20, 20, (96, 96 * max(1, faces), 3))
        pixels = (np.array(colour) + noise).clip(0, 255) if faces else 0 * noise
        path = workplace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        return path.relative_to(workplace)

    return make


@pytest.fixture
def pixels() -> Callable[[Path | str], np.ndarray]:
    """The decoded pixels of a picture file."""
    return lambda path: np.asarray(Image.open(path).convert("RGB"))


@pytest.fixture
def visible() -> Callable[[Path], list[str]]:
    """The names in a folder, sorted, without hidden ones such as the run log's."""
    return lambda folder: sorted(p.name for p in folder.iterdir() if p.name != ".facemod")
