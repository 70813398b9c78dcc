"""Mattes: what is person, what is background, and where one ends."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from facemod.faces.matte import matte, settled, solved


def noise(side: int) -> torch.Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def left_half(at: int = 64) -> torch.Tensor:
    likely = torch.zeros(1, 1, 128, 128)
    likely[..., :at] = 1
    return likely


def test_an_outline_follows_the_pictures_edge() -> None:
    """Who drew it saw 128 px and is off by one and a half of them, in a picture of 512."""
    picture = torch.full((1, 3, 512, 512), 0.6)
    picture[..., :256] = -0.4
    likely = left_half(62)
    likely[..., 62] = 0.5
    steepest = matte(picture, likely)[0, 0, 100].diff().abs().argmax()
    assert steepest in (254, 255, 256)


def test_far_from_the_outline_a_matte_is_exact() -> None:
    found = matte(noise(256), left_half())
    assert (found[..., :110] == 1).all()
    assert (found[..., 146:] == 0).all()


def test_large_faces_get_the_same_matte() -> None:
    picture = F.interpolate(noise(64), (1024, 1024), mode="bicubic")
    small = F.interpolate(picture, (512, 512), mode="area")
    large = matte(picture, left_half())
    assert (large - matte(small, left_half())).abs().max() < 0.05


def test_where_all_is_person_the_matte_is_one() -> None:
    assert (matte(noise(128), torch.ones(1, 1, 1, 1)) == 1).all()


def test_a_collar_is_no_background_but_what_reaches_a_side_is() -> None:
    likely = torch.ones(1, 1, 128, 128)
    likely[..., :40] = 0
    likely[..., 100:, 60:70] = 0.1
    likely[..., 30:40, 60:70] = 0.2
    likely[..., :20, 60:70] = 0.2
    found = settled(likely)
    assert (found[..., 100:, 60:70] == 1).all()
    assert (found[..., 30:40, 60:70] == 1).all()
    assert torch.equal(found[..., :30, :], likely[..., :30, :])
    assert torch.equal(found[..., :40], likely[..., :40])


def test_equations_are_solved_at_each_pixel() -> None:
    rows = torch.rand(2, 3, 3, 4, 5, generator=torch.Generator().manual_seed(2))
    symmetric = rows + rows.transpose(1, 2) + 3 * torch.eye(3)[None, :, :, None, None]
    values = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(3))
    found = solved({(i, j): symmetric[:, i, j] for i in range(3) for j in range(i, 3)}, values)
    assert torch.allclose(torch.einsum("nijhw,njhw->nihw", symmetric, found), values, atol=1e-5)
