"""Named regions, protected ones and masks: where on a face an edit may show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from facemod.errors import InputError, UsageError
from facemod.faces.align import crop_face
from facemod.faces.embedded import EmbeddedDetector
from facemod.faces.face import Crop
from facemod.faces.region_names import CLASSES, parse_regions
from facemod.faces.regions import region_of
from facemod.fidelity.regions import Regions, box_mask, soft
from facemod.imaging.reading import open_photo

PORTRAIT = Path(__file__).parents[2] / "examples" / "portrait-1.jpg"
SIDE = 256


@pytest.fixture(scope="module")
def crop() -> Crop:
    rgb = open_photo(PORTRAIT).rgb
    return crop_face(rgb, EmbeddedDetector().detect(rgb)[0], SIDE)


@pytest.fixture
def at(crop):
    """The value of a mask [1, 1, S, S] near a landmark of the crop, 0..1."""
    from facemod.faces import affine

    points = affine.apply(affine.inverse(crop.matrix), crop.face.landmarks)

    def value(mask: torch.Tensor, point: np.ndarray | int) -> float:
        x, y = points[point] if isinstance(point, int) else point
        x, y = round(float(x)), round(float(y))
        return float(mask[0, 0, y - 2 : y + 3, x - 2 : x + 3].mean())

    value.points = points
    return value


LEFT_EYE, RIGHT_EYE, NOSE = 0, 1, 2


def test_regions_are_where_the_landmarks_are(crop, at):
    mouth = at.points[3:].mean(0)
    cheek = (at.points[LEFT_EYE] + at.points[3]) / 2 - [8, 0]
    masks = {
        name: Regions(only=(name,)).of([crop])[0] for name in ("mouth", "eyes", "nose", "face")
    }
    assert at(masks["mouth"], mouth) > 0.9 and at(masks["mouth"], LEFT_EYE) == 0
    assert at(masks["eyes"], LEFT_EYE) > 0.9 and at(masks["eyes"], RIGHT_EYE) > 0.9
    assert at(masks["eyes"], mouth) == 0
    assert at(masks["nose"], NOSE) > 0.9 and at(masks["nose"], mouth) == 0
    assert all(at(masks["face"], point) > 0.9 for point in (LEFT_EYE, NOSE, mouth, cheek))
    assert at(masks["face"], np.array([6, 6])) == 0


def test_brows_hair_skin_and_background(crop, at):
    masks = {n: Regions(only=(n,)).of([crop])[0] for n in ("brows", "hair", "skin", "background")}
    eyes = at.points[:2].mean(0)
    brow = at.points[LEFT_EYE] - [0, 0.075 * SIDE]
    assert masks["brows"][0, 0, int(brow[1]) - 6 : int(brow[1]) + 7, int(brow[0])].max() > 0.9
    assert at(masks["hair"], eyes - [0, 0.40 * SIDE]) > 0.9
    assert at(masks["hair"], NOSE) == 0
    assert at(masks["skin"], eyes - [0, 0.14 * SIDE]) > 0.9
    assert at(masks["background"], np.array([10, 60])) > 0.9
    assert at(masks["background"], NOSE) == 0


def test_protecting_is_the_contrary(crop, at):
    mask = Regions(protect=("mouth",)).of([crop])[0]
    assert at(mask, at.points[3:].mean(0)) < 0.1
    assert at(mask, LEFT_EYE) == 1
    both = Regions(only=("face",), protect=("eyes",)).of([crop])[0]
    assert at(both, NOSE) > 0.9 and at(both, LEFT_EYE) < 0.1


def test_a_mask_of_ones_own_is_cut_as_the_face_is(crop):
    height, width = open_photo(PORTRAIT).rgb.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    mask[: height // 2] = 255
    seen = Regions(mask=mask).of([crop])[0][0, 0]
    assert seen[:40].min() == 1 and seen[-40:].max() == 0


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(InputError, match="--mask is 5 x 4 px and the photo 7 x 6 px"):
        Regions(mask=np.zeros((4, 5), np.uint8)).check((7, 6))


def test_soft_masks_reach_exactly_0_and_1():
    likely = torch.full((1, 1, 128, 128), 0.02)
    likely[..., 40:80, 40:80] = 0.95
    mask = soft(likely, 512)
    assert mask[..., 200:280, 200:280].min() == 1
    assert mask[..., :130, :].max() == 0


def test_a_face_is_its_parts():
    likely = torch.rand(1, len(CLASSES), 4, 4)
    parts = ("skin", "brows", "eyes", "nose", "mouth")
    torch.testing.assert_close(region_of(likely, ("face",)), region_of(likely, parts))
    torch.testing.assert_close(region_of(likely, ("face", "mouth")), region_of(likely, ("face",)))


def test_names_of_regions():
    assert parse_regions("mouth, eyes", "--only") == ("mouth", "eyes")
    for text in ("mouth,ear", ",", "Mouth"):
        with pytest.raises(UsageError, match="--only"):
            parse_regions(text, "--only")


def test_boxes_are_whole_inside_and_nothing_well_outside():
    mask = box_mask(((0.25, 0.5, 0.75, 0.75),), 200)
    assert mask.shape == (1, 1, 200, 200)
    assert (mask[0, 0, 101:149, 51:149] == 1).all()
    assert not mask[0, 0, :80].any() and not mask[0, 0, :, 170:].any()
    rim = mask[0, 0, 88:101, 100]
    assert (rim.diff() > 0).all() and 0 < float(rim[0]) < 0.1


def test_several_boxes_add_up_and_names_cut_them(crop, at):
    eyes, mouth = at.points[LEFT_EYE] / SIDE, at.points[3:].mean(0) / SIDE
    boxes = tuple((x - 0.1, y - 0.1, x + 0.1, y + 0.1) for x, y in (eyes, mouth))
    both, cut = (Regions(protect=names, boxes=boxes).of([crop])[0] for names in ((), ("mouth",)))
    assert at(both, LEFT_EYE) == at(both, mouth * SIDE) == 1
    assert at(both, RIGHT_EYE) == 0
    assert at(cut, LEFT_EYE) > 0.9 and at(cut, mouth * SIDE) < 0.1
