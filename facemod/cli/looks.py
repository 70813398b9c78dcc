"""What ``edit`` and ``mix`` share: which faces they draw, where, how large and how faithfully."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from facemod.cli.batches import AUTO, Batch, no_copies
from facemod.cli.options import Common, Many, Where
from facemod.cli.performing import perform_batch
from facemod.cli.result import Result
from facemod.cli.session import (
    check_faces,
    check_fidelity,
    mark_for,
    mark_warning,
    open_editor,
    parse_size,
    parse_where,
    settle_fidelity,
    shown_in,
)
from facemod.editing.results import ResultKind
from facemod.files.digests import digest

if TYPE_CHECKING:
    from facemod.editing.corridor import EditFunction, Editor, Fidelity
    from facemod.fidelity.regions import Regions
    from facemod.jobs.outcome import Outcome
    from facemod.latent.codes import Codes
    from facemod.latent.presets import Box


@dataclass(frozen=True)
class Opening:
    """The editor that a command needs, opened when it is first asked for."""

    common: Common
    fidelity: str = "transfer"
    size: float | None = math.inf

    @cached_property
    def _opened(self) -> tuple[Editor, str]:
        return open_editor(self.common, self.size)

    @property
    def editor(self) -> Editor:
        """The editor."""
        return self._opened[0]

    def rung(self, photos: int) -> Fidelity:
        """The rung of fidelity for so many photos."""
        return settle_fidelity(self.fidelity, self.editor.model, photos)[0]

    def messages(self, photos: int) -> tuple[str, ...]:
        """What there is to say about how faces are found, and about the rung."""
        words = settle_fidelity(self.fidelity, self.editor.model, photos)[1]
        return (self._opened[1], *words)

    def rung_for_log(self, photos: int, many: Many) -> str:
        """The rung that results depend on. For ``--dry-run`` auto stays open: it needs the model.

        Raises:
            UsageError: there is no such rung.
        """
        check_fidelity(self.fidelity)
        if self.fidelity != AUTO or many.dry_run:
            return self.fidelity
        return self.rung(photos).value


@dataclass(frozen=True)
class Look:
    """The options of ``edit`` and ``mix`` that say how results look, checked."""

    common: Common
    faces: str
    kind: ResultKind
    regions: Regions | None
    min_likeness: float | None
    opening: Opening
    settings: dict[str, Any]
    """What results depend on, but for the rung of fidelity."""

    @classmethod
    def of(
        cls, common: Common, many: Many, where: Where, faces: str, fidelity: str, size: str,
        min_likeness: float | None, crop: bool, compare: bool,
    ) -> Look:  # fmt: skip
        """Check the options.

        Raises:
            UsageError: they make no sense.
            InputError: the mask cannot be read.
        """
        check_faces(faces)
        regions = parse_where(where, common)
        check_fidelity(fidelity)
        kind = ResultKind.of(crop=crop, compare=compare)
        opening = Opening(common, fidelity, parse_size(size, kind))
        if kind is not ResultKind.PHOTO:
            no_copies(many)
        settings = {
            "faces": faces,
            "size": size,
            "min-likeness": min_likeness,
            "kind": kind.value,
            "where": [where.only, where.protect, where.mask and digest(where.mask.read_bytes())],
        }
        return cls(common, faces, kind, regions, min_likeness, opening, settings)

    def perform(
        self,
        batch: Batch,
        edit: EditFunction,
        recipe: str,
        photos: int,
        *,
        boxes: Sequence[Box] = (),
        notes: Callable[[Codes], Sequence[str]] | None = None,
        warnings: tuple[str, ...] = (),
        also: Callable[[Sequence[Outcome]], Sequence[Outcome]] | None = None,
    ) -> Result:
        """Run the plan: ``edit`` the faces of each photo.

        ``photos`` is what the rung goes by, ``recipe`` is for the mark, ``boxes`` are where on a
        face the edit belongs, unless the options name regions, ``notes`` says what there is to say
        about the edit of a face; for ``also`` see :func:`perform_batch`.
        """
        from facemod.editing.treatments import Edit, no_notes

        opening, rung = self.opening, self.opening.rung(photos)
        mark = mark_for(self.common, self.kind.mark_kind(rung), recipe)
        notes, least = notes or no_notes, self.min_likeness
        regions = self.regions or shown_in(boxes, rung)
        task = Edit(edit, rung, self.kind, mark, notes, regions, least)
        return perform_batch(
            batch,
            task,
            opening.editor,
            self.faces,
            opening.messages(photos),
            (*warnings, *mark_warning(self.common)),
            also,
        )
