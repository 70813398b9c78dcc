"""Finding strokes, and the search for a face that explains them."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fakes import WindowFake
from PIL import Image

from facemod.fidelity.paint import explain, find_strokes
from facemod.tensors.pixels import to_pixels, to_tensor

SIDE = 256


@pytest.fixture
def face() -> np.ndarray:
    """Texture like a photo's, [256, 256, 3]."""
    noise = torch.from_numpy(np.random.default_rng(0).normal(0, 1, (1, 3, 64, 64))).float()
    return to_pixels(F.interpolate(noise, (SIDE, SIDE), mode="bicubic") * 0.25)[0]


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def painted(picture: np.ndarray) -> np.ndarray:
    result = picture.copy()
    result[100:130, 80:160] = (200, 30, 40)
    return result


EVERYWHERE = torch.ones(1, 1, SIDE, SIDE)


def found(
    original: np.ndarray,
    copy: np.ndarray,
    allowed: torch.Tensor = EVERYWHERE,
    person: torch.Tensor = EVERYWHERE,
):
    return find_strokes(to_tensor([original]), to_tensor([copy]), allowed, person)


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_reencoding_alone_is_no_stroke(face, quality):
    assert found(face, jpeg(face, quality)) is None


def test_an_untouched_copy_has_no_strokes(face):
    assert found(face, face) is None


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_strokes_are_found_where_they_are(face, quality):
    mask = found(face, jpeg(painted(face), quality)).mask[0, 0].numpy()
    assert mask[105:125, 85:155].min() > 0.9
    far = np.ones_like(mask, dtype=bool)
    far[88:142, 68:172] = False
    assert mask[far].max() < 0.2


def test_the_region_surrounds_the_strokes_and_ends(face):
    strokes = found(face, painted(face))
    region = strokes.region[0, 0]
    assert region[100:130, 80:160].min() > 0.95
    assert region[:60].max() == 0 and region[180:].max() == 0
    assert region.min() >= 0 and region.max() <= 1


def test_strokes_of_any_shape_end_softly(face):
    copy = face.copy()
    copy[100:130, 80:160] = (200, 30, 40)  # straight ends
    copy[60:180, 200:203] = (200, 30, 40)  # a thin line
    region = found(face, copy).region[0, 0]
    assert region[60:180, 200:203].min() > 0.95
    steps = [region.diff(dim=axis).abs().max() for axis in (0, 1)]
    assert max(steps) < 0.16  # from whole to nothing takes more than 6 of 256 px


def test_the_background_changes_only_where_it_is_painted(face):
    person = EVERYWHERE.clone()
    person[..., 150:] = 0
    region = found(face, painted(face), person=person).region[0, 0]
    assert region[105:125, 85:155].min() > 0.95
    assert region[105:125, 172:].max() == 0
    assert region[105:125, 62:72].min() > 0  # on the person it reaches further


def test_strokes_far_from_the_person_are_left_out(face):
    person = EVERYWHERE.clone()
    person[..., 40:] = 0
    assert found(face, painted(face), person=person) is None


def test_only_strokes_where_the_face_may_change_count(face):
    allowed = EVERYWHERE.clone()
    allowed[..., 120:] = 0
    strokes = found(face, painted(face), allowed)
    assert strokes.mask[0, 0, 105:125, 85:115].min() > 0.9
    assert strokes.region[..., 120:].max() == 0
    assert found(face, painted(face), torch.zeros_like(EVERYWHERE)) is None


def test_the_search_moves_the_face_towards_the_strokes_and_keeps_the_rest():
    model = WindowFake()
    codes = model.sample(1, seed=3)
    before = model.decode(codes)
    target = before.clone()
    target[:, 0, 40:60] += 0.5  # the lowest band, redder
    everywhere = torch.ones_like(before[:, :1])
    strokes = find_strokes(before, target, everywhere, everywhere)
    counted = []
    after = model.decode(explain(model, codes, strokes, steps=60, progress=counted.append))
    change = (after - before)[0].mean(2)  # [3 colours, rows]
    assert counted == list(range(1, 61))
    assert change[0, 44:60].mean() > 0.3
    assert change[:, :20].abs().max() < 0.1
    assert change[1:, 44:60].abs().max() < 0.1
