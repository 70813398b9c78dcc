"""From options to a loaded editor. torch is imported here, once a command really needs it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from facemod import __version__
from facemod.cli.options import Common, Reading, Where
from facemod.editing.results import ResultKind
from facemod.errors import UsageError

if TYPE_CHECKING:
    from facemod.editing.corridor import Editor, Fidelity
    from facemod.fidelity.regions import Regions
    from facemod.imaging.marking import Kind, Mark
    from facemod.latent.presets import Box
    from facemod.models.base import FaceModel

AUTO = "auto"
AUTO_SECONDS = 120  # that --fidelity auto may spend on fitting
# What fitting to one photo takes, roughly.
SECONDS = {"cpu": {"adapt": 30, "refine": 6}, "gpu": {"adapt": 6, "refine": 1}}


def open_editor(common: Reading, size: float | None = math.inf) -> tuple[Editor, str]:
    """The editor that the options ask for, and a line about the aligner that was chosen.

    ``size`` is what :func:`parse_size` makes of ``--size``.
    """
    from facemod.editing.corridor import load_editor
    from facemod.tensors.memory import keep_freed_memory

    keep_freed_memory()
    device, *_ = resolve_devices(common.device)
    choices = {"model": common.model, "aligner": common.aligner, "noise": common.noise}
    return load_editor(device, **choices, size=size)


def resolve_devices(names: str) -> list[str]:
    """The torch devices that ``--device`` means: several with commas; all GPUs with auto.

    Raises:
        UsageError: one of them is unknown or not there.
    """
    import torch

    if names == "auto" and torch.cuda.device_count() > 1:
        return [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    return [resolve_device(name)[0] for name in names.split(",")]


def resolve_device(name: str) -> tuple[str, str]:
    """The torch device for ``--device``, and why.

    Raises:
        UsageError: the name is unknown or the device is not there.
    """
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        if cuda:
            return "cuda", f"auto: {torch.cuda.get_device_name(0)}"
        if mps:
            return "mps", "auto: Apple GPU"
        return "cpu", "auto: no GPU that this torch can use"
    kind, _, number = name.partition(":")
    number_fits = not number or (kind == "cuda" and number.isdecimal())
    if kind not in ("cpu", "cuda", "mps") or not number_fits:
        raise UsageError(f"--device {name}: unknown; use auto, cpu, cuda, cuda:N or mps")
    there = {"cpu": True, "mps": mps, "cuda": cuda and int(number or 0) < torch.cuda.device_count()}
    if not there[kind]:
        raise UsageError(f"--device {name}: torch {torch.__version__} finds no such device here")
    return name, "as asked"


def check_fidelity(name: str) -> None:
    """Raise UsageError when ``--fidelity`` is no rung of the ladder."""
    from facemod.editing.corridor import Fidelity

    known = [*(rung.value for rung in Fidelity), AUTO]
    if name not in known:
        raise UsageError(f"--fidelity {name}: unknown; choose one of {', '.join(known)}")


def settle_fidelity(name: str, model: FaceModel, photos: int) -> tuple[Fidelity, tuple[str, ...]]:
    """What a ``--fidelity`` that was checked means here, and what there is to say about it.

    Raises:
        UsageError: the model cannot be fitted to photos.
    """
    from facemod.editing.corridor import Fidelity
    from facemod.fidelity.fitting import fitting_model
    from facemod.models.base import FittingModel

    if name != AUTO:
        rung = Fidelity(name)
        if rung.effort is not None:
            fitting_model(model, rung.effort)
        return rung, ()
    if not isinstance(model, FittingModel):
        return Fidelity.TRANSFER, (f"fidelity: transfer ({model.info.family} cannot be fitted)",)
    kind = "cpu" if model.device.type == "cpu" else "gpu"
    for rung in (Fidelity.ADAPT, Fidelity.REFINE):
        seconds = photos * SECONDS[kind][rung.value]
        if seconds <= AUTO_SECONDS:
            return rung, (f"fidelity: {rung.value} (about {seconds} s for {photos} photos)",)
    return Fidelity.TRANSFER, (f"fidelity: transfer ({photos} photos are too many to fit to)",)


def parse_size(text: str, kind: ResultKind) -> float | None:
    """``--size`` as what :class:`facemod.editing.corridor.Editor` takes.

    ``auto`` goes by the face's size in the photo, and means full size where the result is not
    the photo.

    Raises:
        UsageError: another word, or no positive number.
    """
    if text == "auto":
        return None if kind is ResultKind.PHOTO else math.inf
    if not text.isdecimal() or int(text) == 0:
        raise UsageError(f"--size {text}: unknown; use auto or a number of pixels such as 512")
    return int(text)


def parse_where(where: Where, common: Common) -> Regions | None:
    """The regions that were asked for; None if an edit may show everywhere.

    Raises:
        UsageError: there is no such region.
        InputError: the mask cannot be read.
    """
    if not (where.only or where.protect or where.mask):
        return None
    from facemod.faces.regions import parse_regions
    from facemod.fidelity.regions import Regions
    from facemod.imaging.reading import open_photo

    only, protect = (
        parse_regions(text, flag) if text else ()
        for text, flag in ((where.only, "--only"), (where.protect, "--protect"))
    )
    mask = None
    if where.mask:
        mask = open_photo(where.mask, max_megapixels=common.max_megapixels).rgb.mean(2)
    return Regions(only, protect, None if mask is None else mask.astype("uint8"))


def shown_in(boxes: Sequence[Box], rung: Fidelity) -> Regions | None:
    """The boxes of a face that an edit is about, if the photo's own pixels stay around them."""
    from facemod.fidelity.regions import Regions

    return Regions(boxes=tuple(boxes)) if boxes and rung.transfers else None


def check_faces(choice: str, *, one: bool = False) -> None:
    """Raise UsageError when ``--faces`` makes no sense, or may mean several and ``one`` is due."""
    from facemod.faces.detect import parse_choice

    parsed = parse_choice(choice)
    if one and (parsed == "all" or (isinstance(parsed, tuple) and len(parsed) > 1)):
        raise UsageError(f"--faces {choice}: one face of each photo, please: largest or a number")


def check_scales(editor: Editor, scales: Iterable[str]) -> None:
    """Raise UsageError when the model lacks one of the scales, before any photo is read."""
    from facemod.latent.codes import Scale, slots_of

    info = editor.model.info
    for scale in scales:
        slots_of(Scale(scale), info.slot_resolutions, info.family)


def mark_for(common: Common, kind: Kind, recipe: str) -> Mark | None:
    """What to write into the results' metadata, or nothing with ``--no-mark``."""
    from facemod.imaging.marking import Mark

    return Mark(kind, recipe, f"facemod {__version__}") if common.mark else None


def mark_warning(common: Common) -> tuple[str, ...]:
    """Leaving the mark out is said aloud."""
    return () if common.mark else ("--no-mark: results do not say that they were edited with AI",)
