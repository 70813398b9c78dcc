"""The automodulators that their authors published."""

from __future__ import annotations

from dataclasses import dataclass

RECORD = "https://zenodo.org/record/4298894/files"


@dataclass(frozen=True)
class Release:
    """A checkpoint that its authors published."""

    file: str
    about: str


# The files are called by how many training images the model has seen.
RELEASES = {
    "ffhq512": Release("42420000_state.pth", "faces, 512 px; the one its authors use for edits"),
    "ffhq256": Release("34740000_state.pth", "faces, 256 px"),
    "celebahq256": Release("31877148_state.pth", "faces of celebrities, 256 px"),
    "lsuncars256": Release("32057140_state.pth", "cars, 256 px"),
    "lsunbedrooms256": Release("27574284_state.pth", "bedrooms, 256 px"),
}
