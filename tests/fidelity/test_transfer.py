"""Edit transfer: what changes and, above all, what does not."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from facemod.faces.matte import matte
from facemod.fidelity.outlines import Outlines
from facemod.fidelity.transfer import structure_moved, transfer
from facemod.models.base import Drawn
from facemod.tensors.blur import gaussian_blur, limited, smoothstep

SIDE = 128


def picture(seed: int) -> torch.Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)) - 0.5


def patch(strength: float) -> torch.Tensor:
    change = torch.zeros(1, 3, SIDE, SIDE)
    change[..., 56:72, 56:72] = strength
    return change


def test_zero_edit_changes_nothing() -> None:
    reconstruction = picture(1)
    assert not transfer(picture(0), reconstruction, reconstruction.clone()).any()


def test_far_from_the_edit_nothing_changes() -> None:
    reconstruction = picture(1)
    change = transfer(picture(0), reconstruction, reconstruction + patch(0.8))
    assert not change[..., :32, :].any()
    assert not change[..., :, 96:].any()
    assert change[..., 60:68, 60:68].abs().min() > 0


def test_what_nobody_will_see_is_not_laid_and_the_rest_is_the_same() -> None:
    """Half of an edit is seen, which moves structure and outlines on both sides."""
    original, reconstruction = picture(0), picture(1)
    edited = reconstruction + patch(0.8) + patch(0.8).roll((-30, -50), (2, 3))
    person = torch.ones(1, 1, SIDE, SIDE)
    person[..., :20] = 0
    at = Outlines(person, person, person.roll(3, 3), (person != person.roll(3, 3)).float())
    at = Outlines(*at[:3], moved=F.max_pool2d(at.moved, 7, 1, 3))
    seen = torch.zeros(1, 1, SIDE, SIDE)
    seen[..., :48] = 1
    whole = transfer(original, reconstruction, edited, at)
    part = transfer(original, reconstruction, edited, at._replace(seen=seen))
    assert part[..., :48].any() and whole[..., 60:68, 60:68].any()
    assert torch.equal(part[..., :48], whole[..., :48])
    assert not part[..., 52:].any()


def test_a_gentle_change_is_carried_over_whole() -> None:
    """A change of light keeps all of the original's detail."""
    reconstruction = gaussian_blur(picture(1), 0.05)
    original = reconstruction + 0.05 * picture(2)
    everywhere = torch.full_like(original, 0.12)
    change = transfer(original, reconstruction, reconstruction + everywhere)
    assert torch.allclose(change, everywhere, atol=1e-6)


def test_where_structure_moves_the_old_detail_goes() -> None:
    reconstruction = gaussian_blur(picture(1), 0.05)
    ghost = torch.zeros_like(reconstruction)
    ghost[..., 62:66, 62:66] = 0.5
    edited = reconstruction + patch(1.0)
    original = reconstruction + ghost
    result = original + transfer(original, reconstruction, edited)
    left = (result - edited)[..., 62:66, 62:66].abs().mean()
    assert left < 0.35 * ghost[..., 62:66, 62:66].mean()


def test_a_tiny_change_is_not_worth_touching_the_photo() -> None:
    reconstruction = picture(1)
    assert not transfer(picture(0), reconstruction, reconstruction + 0.01).any()


@pytest.mark.parametrize("side", [1024, 600])
def test_large_faces_are_as_small_ones(side: int) -> None:
    """Places are found on smaller pictures, and what is laid there is as fine as the photo."""
    reconstruction = gaussian_blur(picture(1), 0.05)
    pictures = (reconstruction + 0.2 * picture(2), reconstruction, reconstruction + patch(0.8))
    large = [F.interpolate(p, (side, side), mode="bilinear") for p in pictures]
    change = transfer(*large)
    small = F.interpolate(change, (SIDE, SIDE), mode="area")
    assert (small - transfer(*pictures)).abs().mean() < 0.01
    assert not change[..., : side // 4, :].any()
    middle = slice(side * 60 // SIDE, side * 68 // SIDE)
    result, wanted = (p[..., middle, middle] for p in (large[0] + change, large[2]))
    assert (result - wanted).std() < 0.1 * large[0].std()


def test_grain_of_the_photo_stays_where_structure_moves() -> None:
    """The decoder draws none here."""
    side = 1024
    smooth = F.interpolate(gaussian_blur(picture(1), 0.05), (side, side), mode="bilinear")
    grain = 0.05 * torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(7))
    moved = torch.zeros(1, 3, side, side)
    moved[..., 312:712, 312:712] = 1.0
    result = smooth + grain + transfer(smooth + grain, smooth, smooth + moved)
    left = (result - smooth - moved)[..., 490:530, 490:530]
    assert 0.5 * grain.std() < left.std() < 1.2 * grain.std()


def column(left: int, right: int) -> torch.Tensor:
    """A person as wide as some columns, as a matte."""
    person = torch.zeros(1, 1, SIDE, SIDE)
    person[..., left:right] = 1
    return person


def drawn(person: torch.Tensor, shade: float, behind: float) -> torch.Tensor:
    return (person * shade + (1 - person) * behind).expand(1, 3, SIDE, SIDE)


def edited(before: torch.Tensor, after: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Photo and result for a person of shade 0.5 before a wall of -0.5, who gets another outline.

    The decoder draws its own wall before the edit and another one after it.
    """
    photo = drawn(before, 0.5, -0.5) + 0.02 * picture(4)
    pictures = Drawn(drawn(before, 0.5, -0.4), before), Drawn(drawn(after, 0.5, 0.1), after)
    at = Outlines.of(matte(photo, before), *pictures)
    return photo, photo + transfer(photo, pictures[0].image, pictures[1].image, at)


def test_the_decoders_background_is_never_carried_over() -> None:
    photo, result = edited(column(40, 88), column(40, 88))
    assert torch.equal(result[..., :36], photo[..., :36])
    assert torch.equal(result[..., 92:], photo[..., 92:])


def test_what_is_uncovered_shows_the_photos_own_background() -> None:
    photo, result = edited(column(40, 88), column(56, 88))
    assert (result[..., 38:54] - -0.5).abs().max() < 0.06
    assert (result[..., 60:84] - 0.5).abs().max() < 0.06
    assert torch.equal(result[..., :32], photo[..., :32])


def test_the_person_is_drawn_over_the_background() -> None:
    photo, result = edited(column(40, 72), column(40, 88))
    assert (result[..., 76:84] - 0.5).abs().max() < 0.06
    assert torch.equal(result[..., 100:], photo[..., 100:])


def test_grain_is_what_is_no_edge() -> None:
    most = torch.tensor(0.2)
    fine = torch.tensor([0.0, 0.1, -0.2, 0.3, -0.4, 0.9])
    assert torch.allclose(limited(fine, most), torch.tensor([0.0, 0.1, -0.2, 0.15, 0.0, 0.0]))
    assert not limited(fine, torch.tensor(0.0)).any()


@pytest.mark.parametrize("radius", [0.01, 0.05, 0.2])
def test_blur_keeps_constants_and_spreads_a_point(radius: float) -> None:
    constant = torch.full((1, 2, 64, 64), 0.3)
    assert torch.allclose(gaussian_blur(constant, radius), constant, atol=1e-5)
    point = torch.zeros(1, 1, 64, 64)
    point[..., 32, 32] = 1
    blurred = gaussian_blur(point, radius)
    assert blurred.max() < 1
    assert blurred[..., 32, 32] >= blurred[..., 32, 40]


def test_smoothstep_is_exact_at_its_ends() -> None:
    x = torch.tensor([0.0, 0.1, 0.2, 0.3, 0.4])
    assert torch.allclose(smoothstep(x, 0.1, 0.3), torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0]))


def test_what_moves_where_nobody_looks_does_not_count() -> None:
    """Most of the face moves, but for a corner; that counts as all of it only if it is seen."""
    difference = picture(1)
    difference[..., 56:, 56:] = 0
    corner = structure_moved(difference)[..., 100:, 100:]
    unseen = structure_moved(difference, torch.zeros(1, 1, SIDE, SIDE))
    assert corner.min() > 0.9
    assert not unseen[..., 100:, 100:].any()
    assert unseen[..., :40, :40].min() == 1
