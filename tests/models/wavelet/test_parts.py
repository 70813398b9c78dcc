"""What tells how far the parts of a face are from a photo's."""

from __future__ import annotations

from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.faces.regions import segmenter
from facemod.latent.strengths import Strength, preset_edit
from facemod.models.registry import load_model
from facemod.models.wavelet.parts import PARTS, part_loss, seen


@cache
def drawn(preset: str | None = None) -> Tensor:
    """Four random faces [4, 3, 128, 128], edited or not."""
    model = load_model()
    codes = model.sample(4, seed=5)
    if preset is not None:
        codes = preset_edit({preset: Strength(1)}, model.info.space)(codes)
    return F.interpolate(model.decode(codes, 256), (128, 128), mode="area").clone()


def loss(images: Tensor) -> float:
    return float(part_loss(segmenter(), images, drawn()))


def test_a_picture_is_as_its_photo_is() -> None:
    assert loss(drawn()) == 0


@pytest.mark.parametrize("preset", ["mouth-open", "eyes-open", "smile"])
def test_expressions_count_more_than_light(preset: str) -> None:
    assert loss(drawn(preset)) > 1.5 * loss(drawn() * 0.9)


def test_faces_count_alike_whoever_is_beside_them() -> None:
    together = loss(drawn("smile"))
    alone = [
        float(part_loss(segmenter(), a[None], b[None]))
        for a, b in zip(drawn("smile"), drawn(), strict=True)
    ]
    assert together == pytest.approx(sum(alone) / 4, rel=1e-4)


def test_neighbours_and_mirrored_borders_have_no_parts() -> None:
    above = torch.cat((drawn().flip(2)[:, :, 64:], drawn()[:, :, :64]), dim=2)
    _, likely = seen(segmenter(), above)
    assert likely.shape == (4, len(PARTS), 128, 128)
    assert likely[:, :, :40].sum() == 0 < likely.sum()


def test_it_leads_a_descent() -> None:
    image = drawn("smile").clone().requires_grad_()
    part_loss(segmenter(), image, drawn()).backward()
    assert image.grad is not None and image.grad.abs().sum() > 0
