"""What travels: the wheel holds the model, the presets and the licences, and works unpacked."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from facemod import __version__

ROOT = Path(__file__).parents[1]
LARGEST_BUNDLE = 60_000_000
WEIGHTS = [
    "facemod/models/wavelet/encoder.safetensors",
    "facemod/models/wavelet/corrector.safetensors",
    "facemod/models/wavelet/decoder.safetensors",
    "facemod/models/wavelet/mapping.safetensors",
    "facemod/models/wavelet/details.safetensors",
    "facemod/models/wavelet/heads.safetensors",
    "facemod/models/wavelet/identity.safetensors",
    "facemod/models/wavelet/matting.safetensors",
    "facemod/models/wavelet/preview.safetensors",
    "facemod/faces/yunet.safetensors",
    "facemod/faces/onet.safetensors",
    "facemod/faces/regions.safetensors",
]
PAPERS = [
    "facemod/MODEL_CARD.md",
    "facemod/py.typed",
    "facemod/faces/THIRD_PARTY.txt",
    f"facemod-{__version__}.dist-info/licenses/LICENSE",
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    built = subprocess.run([*command, str(ROOT)], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("name", WEIGHTS + PAPERS)
def test_it_holds(names, name):
    assert name in names


def test_it_holds_every_preset(names):
    presets = {f"facemod/presets/{path.name}" for path in (ROOT / "presets").glob("*.safetensors")}
    assert presets
    assert presets <= names


def test_it_holds_the_guide(names):
    pages = {f"facemod/guide/{path.name}" for path in (ROOT / "docs" / "guide").glob("*.md")}
    assert len(pages) > 5
    assert pages <= names


def test_it_holds_every_module(names):
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "facemod").rglob("*.py")}
    assert modules <= names


def test_it_holds_nothing_else(names):
    places = {name.split("/")[0] for name in names}
    assert places == {"facemod", f"facemod-{__version__}.dist-info"}
    assert {Path(name).suffix for name in names if name.startswith("facemod/")} <= {
        ".py",
        ".safetensors",
        ".txt",
        ".md",
        ".html",
        ".typed",
        ".pyi",
        ".npz",  # hand-made outlines, which the matting head is trained with
    }


def test_it_is_small_enough(wheel):
    with zipfile.ZipFile(wheel) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    assert wheel.stat().st_size <= unpacked <= LARGEST_BUNDLE


def test_everybody_may_read_it(wheel):
    with zipfile.ZipFile(wheel) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert [name for name, mode in modes.items() if not mode & 0o004] == []


def test_unpacked_it_finds_its_presets_and_its_command(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    probe = (
        "import facemod, importlib.metadata as metadata;"
        "from facemod.latent.presets import find_presets;"
        "from facemod.cli.guide import pages;"
        "presets, problems = find_presets();"
        "assert len(pages()) > 5;"
        "command, = metadata.entry_points(group='console_scripts', name='facemod');"
        "print(facemod.__file__, len(presets), problems, command.load().__module__, sep='\\n')"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "FACEMOD_PRESETS_DIR": "/nowhere"}
    ended = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        str(tmp_path / "facemod" / "__init__.py"),
        str(len(list((ROOT / "presets").glob("*.safetensors")))),
        "[]",
        "facemod.cli.app",
    ]
