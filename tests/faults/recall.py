"""How many faces the bundled detector finds, and what that costs, on photos that are made up.

    PYTHONPATH=.:tests python -m faults.recall
    PYTHONPATH=.:tests python -m faults.recall --faces FOLDER

Faces are samples of the bundled model, or the aligned square pictures of a folder, laid over
photos without people. A face is *found* when its middle is where it was put, and *right* when its
square is as well: within 10 degrees, 6 % of its side, and 15 % of its size.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image, ImageFilter

from facemod.faces import affine
from facemod.faces.align import ffhq_square
from facemod.faces.embedded import EmbeddedDetector
from facemod.faces.face import Face
from facemod.models.registry import load_model
from facemod.tensors.memory import keep_freed_memory
from facemod.tensors.pixels import to_pixels

SAMPLES = 8
SIDE = 512
BACKGROUNDS = ("coffee", "chelsea", "rocket", "brick", "grass", "stereo_motorcycle")
ROLLS = range(0, 360, 30)
WIDTHS = (80, 60, 40, 30, 20, 14)
# A face is half as wide as its square.
SQUARE = 2.0
FEATHER = 0.04


@dataclass(frozen=True)
class Place:
    """Where a face was put: the middle, rotation in degrees and side of its square."""

    x: float
    y: float
    degrees: float
    side: float

    def matrix(self) -> affine.Matrix:
        """From the face's picture to the photo."""
        return affine.square(np.array([self.x, self.y]), self.degrees, self.side, SIDE)


@dataclass(frozen=True)
class Scene:
    """A photo made up, and where its faces are."""

    group: str
    rgb: np.ndarray
    places: list[Place]


@dataclass
class Tally:
    """What became of the faces of one group of photos."""

    faces: int = 0
    found: int = 0
    right: int = 0
    false: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, scene: Scene, faces: list[Face], seconds: float) -> None:
        """Count one photo."""
        hits = [nearest(place, faces) for place in scene.places]
        found = [(p, face) for p, face in zip(scene.places, hits, strict=True) if face is not None]
        self.faces += len(scene.places)
        self.found += len(found)
        self.right += sum(is_right(place, face) for place, face in found)
        self.false += len(faces) - len({id(face) for _, face in found})
        self.seconds.append(seconds)

    def row(self) -> str:
        """The figures of the group."""
        shares = [f"{n / self.faces:6.1%}" if self.faces else "" for n in (self.found, self.right)]
        each = 1000 * statistics.fmean(self.seconds)
        return f"{shares[0]:>6} {shares[1]:>6} {self.false:5} {each:6.0f}"


def nearest(place: Place, faces: list[Face]) -> Face | None:
    """The face whose square's middle is within a fifth of the side of the place's."""
    best, distance = None, 0.2 * place.side
    for face in faces:
        centre, _ = ffhq_square(face.landmarks)
        if (off := float(np.hypot(*(centre - (place.x, place.y))))) < distance:
            best, distance = face, off
    return best


def is_right(place: Place, face: Face) -> bool:
    """Whether the face's square is the place's, but for 10 degrees, 6 % and 15 %."""
    centre, half = ffhq_square(face.landmarks)
    turn = np.degrees(np.arctan2(half[1], half[0])) - place.degrees
    return bool(
        abs((turn + 180) % 360 - 180) < 10
        and np.hypot(*(centre - (place.x, place.y))) < 0.06 * place.side
        and abs(np.log(2 * np.hypot(*half) / place.side)) < np.log(1.15)
    )


def paste(photo: Image.Image, face: Image.Image, place: Place) -> None:
    """Lay an oval of the face over the photo."""
    small = max(8, min(SIDE, round(place.side)))
    shrunk = face.resize((small, small), Image.Resampling.BOX)
    rows, columns = np.mgrid[-1 : 1 : small * 1j, -1 : 1 : small * 1j]
    oval = np.clip((1 - np.hypot(columns / 0.9, rows)) / FEATHER, 0, 1)
    mask = Image.fromarray(np.uint8(255 * oval))
    back = affine.rescaled(affine.inverse(place.matrix()), np.zeros(2), np.full(2, small / SIDE))
    turn = (photo.size, Image.Transform.AFFINE, affine.pillow_coefficients(back))
    over = shrunk.transform(*turn, Image.Resampling.BICUBIC)
    photo.paste(over, mask=mask.transform(*turn, Image.Resampling.BILINEAR))


def background(number: int, size: tuple[int, int]) -> Image.Image:
    """A photo without people, cut and scaled to ``size``."""
    loaded = getattr(skimage.data, BACKGROUNDS[number % len(BACKGROUNDS)])()
    pixels = loaded[0] if isinstance(loaded, tuple) else loaded
    photo = Image.fromarray(pixels).convert("RGB")
    scale = max(size[0] / photo.width, size[1] / photo.height)
    grown = photo.resize((round(photo.width * scale) + 1, round(photo.height * scale) + 1))
    return grown.crop((0, 0, *size)).filter(ImageFilter.GaussianBlur(1.0))


def scene(group: str, number: int, size: tuple[int, int], placed: list[tuple[Image.Image, Place]]):
    """A photo with faces at their places."""
    photo = background(number, size)
    for face, place in placed:
        paste(photo, face, place)
    return Scene(group, np.asarray(photo), [place for _, place in placed])


def scenes(faces: list[Image.Image], rng: random.Random) -> Iterator[Scene]:
    """All photos: one large face, turned, small, crowded, large beside small, and nobody."""
    for n, face in enumerate(faces):
        yield scene("one", n, (1536, 1536), [(face, Place(768, 768, 0, 1024))])
        for roll in ROLLS:
            place = Place(384, 384, roll, 400)
            yield scene(f"turned {roll:3}", n, (768, 768), [(face, place)])
        for width in WIDTHS:
            at = Place(rng.uniform(300, 980), rng.uniform(300, 660), 0, SQUARE * width)
            yield scene(f"width {width:2}", n, (1280, 960), [(face, at)])
    for n in range(len(faces) // 2):
        crowd = grid(rng, (1600, 1200), (6, 5), (50, 230), 25)
        yield scene("crowd", n, (1600, 1200), [(rng.choice(faces), p) for p in crowd])
        large = [Place(520, 480, 0, 760)]
        small = [Place(1150, 120 + 170 * i, rng.uniform(-20, 20), 45 + 20 * i) for i in range(4)]
        mixed = [(rng.choice(faces), p) for p in large + small]
        yield scene("large and small", n, (1280, 960), mixed)
    for n in range(len(BACKGROUNDS)):
        yield scene("nobody", n, (1280, 960), [])


def grid(
    rng: random.Random, size: tuple[int, int], cells: tuple[int, int], sides: tuple[int, int],
    degrees: float,
) -> list[Place]:  # fmt: skip
    """A face a cell, each of a size and a rotation of its own."""
    width, height = size[0] / cells[0], size[1] / cells[1]
    return [
        Place((i + 0.5) * width, (j + 0.5) * height, rng.uniform(-degrees, degrees),
              rng.uniform(*sides))
        for i in range(cells[0]) for j in range(cells[1])
    ]  # fmt: skip


def samples(count: int) -> list[Image.Image]:
    """Faces of people who do not exist."""
    model = load_model("bundled", "cpu", None)
    codes = model.sample(count, seed=11, truncation=0.8)
    return [Image.fromarray(to_pixels(model.decode(codes[i], SIDE))[0]) for i in range(count)]


def from_folder(folder: Path) -> list[Image.Image]:
    """Aligned square pictures of faces."""
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))
    return [Image.open(path).convert("RGB").resize((SIDE, SIDE)) for path in paths]


def main(folder: Path | None, count: int) -> None:
    """Print a row a group: found, right, false faces, processor milliseconds a photo."""
    keep_freed_memory()
    torch.set_num_threads(1)
    faces = from_folder(folder)[:count] if folder else samples(count)
    detector = EmbeddedDetector()
    tallies: dict[str, Tally] = {}
    for one in scenes(faces, random.Random(5)):
        began = time.process_time()
        found = detector.detect(one.rgb)
        tallies.setdefault(one.group, Tally()).add(one, found, time.process_time() - began)
    sys.stdout.write(f"{'':16} {'found':>6} {'right':>6} {'false':>5} {'ms':>6}\n")
    for group in sorted(tallies):
        sys.stdout.write(f"{group:16} {tallies[group].row()}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, help="a folder of aligned square pictures")
    parser.add_argument("--count", type=int, default=SAMPLES)
    options = parser.parse_args()
    main(options.faces, options.count)
