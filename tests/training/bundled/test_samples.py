"""Decoder samples that are remembered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from facemod.models.wavelet.decoder import SLOTS, STYLE_DIM
from facemod.models.wavelet.mapping import Mapping
from facemod.training.bundled.samples import SIDE, Replay, draw_styles

CAPACITY, FRESH, MARGIN = 6, 2, 4


def batch(value: int) -> tuple[torch.Tensor, torch.Tensor]:
    return (
        torch.full((FRESH, SLOTS, STYLE_DIM), float(value)),
        torch.full((FRESH, 3, SIDE, SIDE), value / 127.5 - 1),
    )


def grown(replay: Replay, values: range) -> list[list[float]]:
    """What each of these batches came back with, the remembered part."""
    seen = []
    for value in values:
        styles, images = replay.extended(*batch(value), 5, np.random.default_rng(value))
        assert torch.equal(styles[:FRESH], batch(value)[0])
        remembered = styles[FRESH:, 0, 0].tolist()
        shown = (images[FRESH:, 0, 0, 0] + 1) * 127.5
        assert torch.allclose(shown, torch.tensor(remembered), atol=1e-3)
        seen.append(remembered)
    return seen


def test_the_oldest_are_forgotten(tmp_path: Path) -> None:
    replay = Replay(tmp_path / "replay", CAPACITY, MARGIN)
    seen = grown(replay, range(20))
    assert seen[0] == []
    assert all(len(values) == 5 for values in seen[1:])
    for now, values in enumerate(seen):
        assert all(now - CAPACITY // FRESH <= value < now for value in values)
    assert len({value for values in seen for value in values}) > 15


def test_a_checkpoint_remembers_what_was_overwritten_later(tmp_path: Path) -> None:
    whole = grown(Replay(tmp_path / "whole", CAPACITY, MARGIN), range(20))
    replay = Replay(tmp_path / "killed", CAPACITY, MARGIN)
    grown(replay, range(10))
    state = replay.state()
    grown(replay, range(10, 10 + MARGIN // FRESH))  # and here it is killed
    resumed = Replay(tmp_path / "killed", CAPACITY, MARGIN)
    resumed.resume(state)
    assert grown(resumed, range(10, 20)) == whole[10:]


def test_without_its_files_a_memory_begins_anew(tmp_path: Path) -> None:
    replay = Replay(tmp_path / "here", CAPACITY, MARGIN)
    grown(replay, range(10))
    elsewhere = Replay(tmp_path / "there", CAPACITY, MARGIN)
    elsewhere.resume(replay.state())
    assert grown(elsewhere, range(10, 14))[:2] == [[], [10.0] * 5]
    # And goes on so from its own checkpoint.
    again = Replay(tmp_path / "there", CAPACITY, MARGIN)
    again.resume(elsewhere.state())
    assert set(grown(again, range(14, 15))[0]) <= {11.0, 12.0, 13.0}


def test_no_memory_needs_no_files(tmp_path: Path) -> None:
    replay = Replay(tmp_path / "replay", 0, MARGIN)
    assert grown(replay, range(3)) == [[], [], []]
    assert not list(tmp_path.iterdir())


def test_drawn_styles_are_single_or_mixed_and_truncated() -> None:
    torch.manual_seed(0)
    mapping = Mapping()
    torch.nn.init.normal_(mapping.mean)
    styles = draw_styles(mapping, 64, np.random.default_rng(0)).detach()
    assert styles.shape == (64, SLOTS, STYLE_DIM)
    mixed = (styles != styles[:, :1]).any(2).any(1)
    assert 16 < mixed.sum() < 48
