"""``facemod doctor``: what would run where on this machine, and why."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable

from facemod import __version__
from facemod.cli.options import Printing
from facemod.cli.result import Result, Table
from facemod.errors import ModelError, explained
from facemod.latent.presets import find_presets
from facemod.tensors.devices import find_device

Check = Callable[[], str]


def doctor(printing: Printing) -> Result:
    """Check device, weights, aligner, presets and ffmpeg, and say what would be used."""
    checks: dict[str, Check] = {
        "facemod": lambda: f"{__version__}, Python {platform.python_version()}",
        "device": device,
        "model": model,
        "aligner": aligner,
        "presets": presets,
        "ffmpeg": ffmpeg,
        "jpeg blocks": jpeg,
        "heic photos": heic,
    }
    rows, failures = [], []
    for name, check in checks.items():
        try:
            rows.append((name, "ok", check()))
        except Exception as problem:  # a doctor must not die of the illness
            rows.append((name, "problem", str(explained(problem))))
            failures.append(name)
    error = ModelError(f"problems with: {', '.join(failures)}") if failures else None
    return Result(
        "doctor",
        data=[dict(zip(("check", "state", "detail"), row, strict=True)) for row in rows],
        table=Table(("check", "state", "detail"), rows),
        error=error,
    )


def device() -> str:
    import torch

    name, why = find_device(os.environ.get("FACEMOD_DEVICE", "auto"))
    return f"{name} ({why}), torch {torch.__version__}, {torch.get_num_threads()} threads"


def model() -> str:
    from facemod.models.registry import load_model

    info = load_model(os.environ.get("FACEMOD_MODEL", "bundled")).info
    return f"{info.name}: {info.parameters / 1e6:.1f} M parameters, {info.resolution} px"


def aligner() -> str:
    from facemod.faces.detect import make_detector

    return make_detector(os.environ.get("FACEMOD_ALIGNER", "auto"), "cpu")[1]


def presets() -> str:
    found, problems = find_presets()
    if problems:
        raise ModelError("; ".join(problems))
    return f"{len(found)} installed"


def ffmpeg() -> str:
    try:
        import imageio_ffmpeg

        return f"{imageio_ffmpeg.get_ffmpeg_version()} ({imageio_ffmpeg.get_ffmpeg_exe()})"
    except (ImportError, RuntimeError) as error:
        raise ModelError(f"no ffmpeg: .mp4 films cannot be written ({error})") from error


def jpeg() -> str:
    try:
        import jpeglib
    except (ImportError, OSError, RuntimeError):
        return "not copied, all are encoded anew; pip install jpeglib changes that"
    return f"copied where no edit reaches them, by jpeglib {jpeglib.__version__}"


def heic() -> str:
    try:
        import pillow_heif
    except ImportError:
        return "not installed; pip install 'facemod[heif]' adds it"
    return f"pillow-heif {pillow_heif.__version__}"
