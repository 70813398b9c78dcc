"""The ladder of fidelity. Imports no torch, because the command line checks names early."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facemod.models.base import Effort


class Fidelity(str, Enum):
    """How the decoded edit meets the photo: a ladder, from what is quick to what is close."""

    ENCODE = "encode"
    """The face is what the model decodes."""
    TRANSFER = "transfer"
    """The change is carried over to the photo's own pixels. The rungs above do that as well."""
    REFINE = "refine"
    """The codes are refined by a few gradient steps first."""
    ADAPT = "adapt"
    """The decoder is adapted to this very photo first."""

    @property
    def transfers(self) -> bool:
        """Whether the photo's own pixels stay."""
        return self is not Fidelity.ENCODE

    @property
    def effort(self) -> Effort | None:
        """How the codes are fitted to the photo."""
        from facemod.models.base import Effort

        return {Fidelity.REFINE: Effort.REFINE, Fidelity.ADAPT: Effort.ADAPT}.get(self)
