"""How close each rung of ``--fidelity`` comes to the photo, and whether edits still edit.

``facemod train fidelity`` writes these tables of docs/fidelity.md.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean

import torch.nn.functional as F
from torch import Tensor

from facemod.editing.editor import Editor, open_editor
from facemod.errors import UsageError
from facemod.faces.matte import matte
from facemod.fidelity.outlines import Outlines
from facemod.fidelity.regions import box_mask
from facemod.fidelity.transfer import SMOOTH, face_of, structure_moved, transfer
from facemod.imaging.reading import open_photo
from facemod.latent.codes import Codes
from facemod.latent.presets import find_presets
from facemod.latent.strengths import PresetEdit, Strength, preset_edit
from facemod.models.base import Drawn, Effort, FaceModel, FittingModel, draw
from facemod.models.wavelet.identity import Identity
from facemod.models.wavelet.likeness import likeness
from facemod.tensors.blur import gaussian_blur
from facemod.tensors.devices import find_device
from facemod.tensors.pixels import psnr, to_tensor
from facemod.training.evaluation.editability import ReadOff, picture
from facemod.training.evaluation.options import FidelityOptions
from facemod.training.judges.identity import load_identity, similarity
from facemod.training.judges.readings import Readings, labelled_sets
from facemod.training.settings import Tell

SMALL = 256
STRENGTH = 1.5
TAUGHT = 1200  # labelled faces of each set that readings are learnt from
STILL = 0.05  # of the mask of moved structure: below, skin is unedited or only recoloured
Row = dict[str, float]
Rows = dict[str, list[Row]]


def closeness(identity: Identity, photo: Tensor, picture: Tensor) -> Row:
    """How close a ``picture`` comes to the ``photo``, both [1, 3, 1024, 1024]."""
    small = [F.interpolate(x, (SMALL, SMALL), mode="area") for x in (photo, picture)]
    return {
        "PSNR of the face, 256 px": psnr(*map(face_of, small)),
        "PSNR of the face, 1024 px": psnr(face_of(photo), face_of(picture)),
        **resemblance(identity, photo, picture),
    }


def resemblance(identity: Identity, photo: Tensor, picture: Tensor) -> Row:
    """How much it is the same person, to a network that is not shipped and to ours."""
    return {
        "identity": float(similarity(identity, photo, picture)),
        "likeness": likeness(photo, picture)[0],
    }


def seam(identity: Identity, photo: Tensor, before: Drawn, after: Drawn, region: Tensor) -> Row:
    """What a transferred edit leaves of the photo; ``region`` [1, 1, S, S] is where it shows.

    It is carried over as the corridor does it: to the person, and not to the background.

    ``ghost`` is how much of the old detail shows where structure moved: 1 for plain addition of
    the change, 0 for the decoder's own picture.
    """
    at = Outlines.of(matte(photo, before.person), before, after)
    change = region * transfer(photo, before.image, after.image, at)
    result = (photo + change).clamp(-1, 1)
    moved = region * structure_moved(after.image - before.image)
    residual = photo - before.image
    detail = residual - gaussian_blur(residual, SMOOTH)
    left = photo + change - after.image - gaussian_blur(residual, SMOOTH)
    inside = moved > 0.9
    share = float((left * detail * inside).sum() / (detail.square() * inside).sum().clamp_min(1e-9))
    return {
        **resemblance(identity, photo, result),
        "identity of the decoder's picture": float(similarity(identity, photo, after.image)),
        "colour step at the border, of 255": border_step(change),
        "sharpness of unedited skin": sharpness(result, moved) / sharpness(photo, moved),
        "ghost": share,
    }


def border_step(change: Tensor) -> float:
    """Mean change, on the scale of 0..255, of pixels that have an unchanged neighbour."""
    touched = (change.abs().amax(1, keepdim=True) > 0).float()
    border = touched * F.max_pool2d(1 - touched, 3, stride=1, padding=1)
    return float((change.abs() * border).sum() / border.sum().clamp_min(1) / 3 * 127.5)


def sharpness(image: Tensor, moved: Tensor) -> float:
    """Variance of the Laplacian over the face, where no structure moved; nan if it all did."""
    grey = image.mean(1, keepdim=True)
    kernel = grey.new_tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    edges = face_of(F.conv2d(F.pad(grey, (1,) * 4, mode="replicate"), kernel))
    return float(edges[face_of(moved) < STILL].var())


def effects(
    model: FaceModel, measures: ReadOff, codes: Codes, edits: Mapping[str, PresetEdit]
) -> Row:
    """How far each preset moves what it is named for, in strengths."""
    before, found = picture(model, codes), {}
    for name, edit in edits.items():
        changes = measures.changes(before, picture(model, edit(codes)))
        found[name] = float(changes[0, measures.names.index(name)])
    return found


def faces_in(folder: Path, editor: Editor, count: int) -> Iterator[Tensor]:
    """The largest face of each photo, [1, 3, 1024, 1024]."""
    for path in sorted(folder.iterdir())[:count]:
        photo = open_photo(path)
        yield to_tensor([editor.cut_out(photo, "largest")[0].pixels])


def rows_as_table(rows: Mapping[str, Sequence[Row]]) -> str:
    """Means as a Markdown table, one row for each name; what cannot be measured does not count."""
    names = list(next(iter(rows.values()))[0])
    lines = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for rung, measured in rows.items():
        there = ([row[name] for row in measured if row[name] == row[name]] for name in names)
        means = (f"{mean(values):.2f}" if values else "none" for values in there)
        lines.append(f"| {rung} | {' | '.join(means)} |")
    return "\n".join(lines)


def measure_fidelity(folder: Path, options: FidelityOptions, tell: Tell) -> dict[str, Rows]:
    """The tables of how close each rung comes, of edits carried over, and of their effects."""
    device = find_device(options.device)[0]
    editor = open_editor(device, aligner="embedded")
    model, identity = editor.model, load_identity(options.identity)
    if not isinstance(model, FittingModel):
        raise UsageError("only a model that can be fitted has rungs to measure")
    sets, info = labelled_sets(options.celeba, options.labels, options.utk, TAUGHT), model.info
    measures = ReadOff(Readings.taught(identity, sets))
    edits = {
        name: preset_edit({name: Strength(STRENGTH)}, info.space)
        for name in find_presets()[0]
        if name in measures.names
    }
    smiling = box_mask(edits["smile"].region, info.resolution)
    found: dict[str, Rows] = {part: defaultdict(list) for part in ("close", "seams", "kept")}
    for number, photo in enumerate(faces_in(folder, editor, options.photos)):
        codes = model.encode(photo)
        for rung in ("encode", *(effort.value for effort in Effort)):
            began = time.process_time()
            fit = codes if rung == "encode" else model.fit(photo, codes, Effort(rung))
            seconds = time.process_time() - began
            before, after = (
                Drawn(*(part.cpu() for part in draw(model, shown)))
                for shown in (fit, edits["smile"](fit))
            )
            close = {**closeness(identity, photo, before.image), "CPU seconds": seconds}
            found["close"][rung].append(close)
            # Whatever the codes are, their change is carried over.
            carried = "transfer" if rung == "encode" else rung
            found["seams"][carried].append(seam(identity, photo, before, after, smiling))
            if number < options.effects and rung != Effort.REFINE.value:
                found["kept"][rung].append(effects(model, measures, fit, edits))
        tables = "\n\n".join(rows_as_table(found[kind]) for kind in ("close", "seams"))
        tell(f"{number + 1} photos\n{tables}\n")
        if number < options.effects:
            tell(f"{rows_as_table(found['kept'])}\n")
    return found
