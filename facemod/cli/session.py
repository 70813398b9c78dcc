"""What commands have in common between options and results. torch is imported once it is needed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from facemod.cli.batch import no_copies
from facemod.cli.options import Common, Many, Reading, Where
from facemod.editing.results import ResultKind
from facemod.editing.words import AUTO, check_faces, check_fidelity, parse_size
from facemod.errors import UsageError
from facemod.faces.region_names import parse_regions
from facemod.files.digests import digest

if TYPE_CHECKING:
    from facemod.editing.editor import Editor
    from facemod.editing.looks import Look
    from facemod.fidelity.ladder import Fidelity
    from facemod.imaging.marking import Kind, Mark

Options = TypeVar("Options", bound=Reading)


@dataclass(frozen=True)
class Session(Generic[Options]):
    """The editor that the options ask for, opened when it is first needed."""

    options: Options
    side: float | None = math.inf
    """As :class:`facemod.editing.editor.Editor` takes it."""
    fidelity: str = "transfer"

    @cached_property
    def editor(self) -> Editor:
        """The editor, on the first of the devices."""
        from facemod.editing.editor import open_editor
        from facemod.tensors.devices import find_devices

        options = self.options
        return open_editor(
            find_devices(options.device)[0],
            model=options.model,
            aligner=options.aligner,
            noise=options.noise,
            size=self.side,
        )

    def rung(self, photos: int) -> Fidelity:
        """The rung of fidelity for so many photos."""
        from facemod.editing.looks import settle_fidelity

        return settle_fidelity(self.fidelity, self.editor.model, photos)[0]

    def messages(self, photos: int) -> tuple[str, ...]:
        """What there is to say about the rung."""
        from facemod.editing.looks import settle_fidelity

        words = settle_fidelity(self.fidelity, self.editor.model, photos)[1]
        return words

    def rung_for_log(self, photos: int, *, dry_run: bool) -> str:
        """The rung that results depend on. For ``--dry-run`` auto stays open: it needs the model.

        Raises:
            UsageError: there is no such rung.
        """
        check_fidelity(self.fidelity)
        if self.fidelity != AUTO or dry_run:
            return self.fidelity
        return self.rung(photos).value


def settings_of(
    common: Common, many: Many, where: Where, *, size: str, min_likeness: float | None,
    faces: str, fidelity: str, crop: bool, compare: bool, preview: bool = False,
) -> tuple[ResultKind, dict[str, Any]]:  # fmt: skip
    """The kind of result that is asked for, and what results depend on, but for the rung.

    Everything is checked that can be checked without torch.

    Raises:
        UsageError: the options make no sense.
        InputError: the mask cannot be read.
    """
    check_faces(faces)
    check_fidelity(fidelity)
    for text, flag in ((where.only, "--only"), (where.protect, "--protect")):
        if text:
            parse_regions(text, flag)
    kind = ResultKind.of(crop=crop, compare=compare, preview=preview)
    parse_size(size, kind)
    if kind is ResultKind.PREVIEW and min_likeness is not None:
        raise UsageError("--min-likeness: a preview shows what there is, with its likeness below")
    if kind is not ResultKind.PHOTO:
        no_copies(many)
    return kind, {
        "faces": faces,
        "size": size,
        "min-likeness": min_likeness,
        "kind": kind.value,
        "where": [where.only, where.protect, where.mask and digest_of_picture(where.mask)],
    }


def digest_of_picture(path: Path) -> str:
    """What a picture file is known by. Raises InputError if it cannot be read."""
    from facemod.imaging.opening import read_file

    return digest(read_file(path))


def look_of(common: Common, where: Where, fidelity: str, settings: dict[str, Any]) -> Look:
    """The look that the options ask for; ``settings`` are those of :func:`settings_of`."""
    from facemod.editing.looks import Look

    kind = ResultKind(settings["kind"])
    return Look.of(
        faces=settings["faces"], fidelity=fidelity, size=settings["size"], only=where.only,
        protect=where.protect, mask=where.mask, max_megapixels=common.max_megapixels,
        min_likeness=settings["min-likeness"], crop=kind.crops, compare=kind.compares,
        preview=kind is ResultKind.PREVIEW,
    )  # fmt: skip


def mark_unless(common: Common, kind: Kind, recipe: str) -> Mark | None:
    """What to write into the results' metadata, or nothing with ``--no-mark``."""
    from facemod.editing.results import mark_for

    return mark_for(kind, recipe) if common.mark else None


def mark_warning(common: Common) -> tuple[str, ...]:
    """Leaving the mark out is said aloud."""
    return () if common.mark else ("--no-mark: results do not say that they were edited with AI",)
