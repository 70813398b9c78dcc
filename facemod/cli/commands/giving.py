"""``facemod mix``: which photos give something, and what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facemod.cli.together import EncodedPhoto
from facemod.errors import UsageError
from facemod.files.digests import digest
from facemod.jobs.outcome import Outcome, left_aside

if TYPE_CHECKING:
    from facemod.latent.edits import Edit


@dataclass(frozen=True)
class Giving:
    """What every mixed photo takes from others."""

    photos: tuple[Path, ...]
    """Those that give, in the order of the command line."""
    scales: Mapping[str, Path]
    slots: tuple[tuple[str, Path], ...]
    """Each as it was written, and the photo that it names."""

    @classmethod
    def of(cls, photos: Sequence[Path], scales: Mapping[str, str], slots: Sequence[str]) -> Giving:
        """What the options mean; a name is a file, or the name, stem or number of a photo.

        Raises:
            UsageError: there is nothing to mix, or a photo or slots are named wrongly.
        """
        if not scales and not slots:
            raise UsageError(
                "nothing to mix: give --coarse-from, --mid-from, --fine-from or --slots"
            )
        from facemod.latent.edits import parse_slots

        names = [str(photo) for photo in photos]
        by_scale = {scale: named(name, names, f"--{scale}-from") for scale, name in scales.items()}
        by_slots = tuple((text, named(parse_slots(text)[1], names, "--slots")) for text in slots)
        given = dict.fromkeys((*by_scale.values(), *(photo for _, photo in by_slots)))
        if len(photos) == 1 and {photos[0].absolute()} == {photo.absolute() for photo in given}:
            raise UsageError("mix needs a base photo and at least one other")
        order = {name: i for i, name in enumerate(names)}
        first = sorted(given, key=lambda photo: order.get(str(photo), len(order)))
        return cls(tuple(first), by_scale, by_slots)

    @property
    def recipe(self) -> str:
        """The mix in words for the mark: photos by number, never by name; the base is the first."""
        from facemod.latent.edits import parse_slots

        numbers = {photo: number for number, photo in enumerate(self.photos, start=2)}
        parts = [(scale, photo) for scale, photo in self.scales.items()]
        for text, photo in self.slots:
            chosen, _ = parse_slots(text)
            parts.append((f"{chosen.start}-{chosen.stop - 1}", photo))
        return "mix " + " ".join(f"{part}=photo{numbers[photo]}" for part, photo in parts)

    @property
    def settings(self) -> list[Any]:
        """What results depend on: the recipe, and the bytes of the photos that give."""
        return [self.recipe, *(digest_of_file(photo) for photo in self.photos)]

    def edit(self, donors: Sequence[EncodedPhoto]) -> Edit:
        """The edit of a face, once the photos that give are encoded.

        Raises:
            UsageError: scales or slots that the model does not have.
        """
        from facemod.latent.codes import Scale
        from facemod.latent.edits import mix_parts

        # On the CPU, so that they can travel to workers on any device.
        codes = {donor.path: donor.faces[0].codes.to("cpu") for donor in donors}
        scales = {Scale(scale): codes[photo] for scale, photo in self.scales.items()}
        return mix_parts(scales, [(text, codes[photo]) for text, photo in self.slots])


def named(name: str, names: Sequence[str], flag: str) -> Path:
    """The photo that a name on the command line means."""
    from facemod.latent.edits import position

    with suppress(OSError):  # a name too long for a file, for example
        if (file := Path(name)).is_file():
            same = (Path(other) for other in names if Path(other).absolute() == file.absolute())
            return next(same, file)
    return Path(names[position(name, names, flag)])


def digest_of_file(path: Path) -> str:
    """What a photo's bytes are known by; nothing where it cannot be read, which is said later."""
    try:
        return digest(path.read_bytes())
    except OSError:
        return ""


def outcomes_of(donors: Sequence[EncodedPhoto], mixed: Sequence[Outcome]) -> list[Outcome]:
    """What became of photos that gave something to the ``mixed`` ones.

    Where there is one result, that is theirs as well.
    """
    made = [outcome for outcome in mixed if outcome.output]
    if mixed and not made:
        return [left_aside(donor.path) for donor in donors]
    own = made[0].output if len(mixed) == 1 else None
    return [replace(donor.done(donor.path), output=own) for donor in donors]
