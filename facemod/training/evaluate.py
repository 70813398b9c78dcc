"""How well a model's reconstructions keep the person.

python -m facemod.training.evaluate FOLDER --identity mobilefacenet.ckpt --sheet sheet.png
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray

from facemod.faces.detect import Detector, make_detector
from facemod.imaging.reading import open_photo
from facemod.imaging.sheet import tile
from facemod.imaging.writing import write_image
from facemod.models.base import FaceModel
from facemod.models.registry import load_model
from facemod.pipeline import Editor, psnr, to_pixels, to_tensor
from facemod.training.identity import Identity, similarity

SIZE = 256


def evaluate(
    model: FaceModel, photos: list[Path], identity: Identity
) -> tuple[list[dict[str, float]], list[NDArray[np.uint8]]]:
    """Scores of the largest face of each photo, and (input, reconstruction) pictures in turn.

    ``identity`` is the cosine of MobileFaceNet embeddings, ``psnr`` is in dB at 256 px, and
    ``landmarks`` the mean distance of eyes and mouth corners after finding the face again, as a
    fraction of the distance between the eyes (NaN when no face is found).
    """
    detector, _ = make_detector("embedded", str(model.device))
    editor = Editor(model, detector)
    rows, pictures = [], []
    for path in photos:
        photo = open_photo(path)
        encoded = editor.encode(photo, editor.faces(photo, "largest")[0])
        original, decoded = to_tensor([encoded.crop.pixels]), encoded.reconstruction
        small = [F.interpolate(x, (SIZE, SIZE), mode="area") for x in (original, decoded)]
        rows.append(
            {
                "identity": float(similarity(identity, original, decoded)),
                "psnr": psnr(*small),
                "landmarks": landmark_error(detector, encoded.crop.pixels, to_pixels(decoded)[0]),
            }
        )
        pictures += [to_pixels(x)[0] for x in small]
    return rows, pictures


def landmark_error(
    detector: Detector, before: NDArray[np.uint8], after: NDArray[np.uint8]
) -> float:
    """Mean distance of the four eye and mouth points over the distance between the eyes."""
    found = [detector.detect(pixels) for pixels in (before, after)]
    if not all(found):
        return float("nan")
    a, b = (faces[0].landmarks[[0, 1, 3, 4]] for faces in found)
    return float(np.hypot(*(a - b).T).mean() / np.hypot(*(a[1] - a[0])))


def main() -> None:
    """Print one JSON object of mean scores and optionally write a picture sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--identity", type=Path, required=True)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    photos = sorted(p for p in args.folder.iterdir() if p.suffix in (".jpg", ".png"))
    rows, pictures = evaluate(load_model(), photos, Identity(args.identity))
    means = {name: statistics.fmean(row[name] for row in rows) for name in rows[0]}
    print(json.dumps({"faces": len(rows), **{n: round(m, 4) for n, m in means.items()}}))
    if args.sheet:
        write_image(tile(pictures, columns=10, gap=4), args.sheet, overwrite=True)


if __name__ == "__main__":
    main()
