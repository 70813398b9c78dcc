"""What presets are learnt with: codes of real faces, and which pictures are exact enough."""

from __future__ import annotations

import sys

import torch

from facemod.models.wavelet.model import load
from facemod.training.bundled.preview import FIRST_FINE_SLOT
from facemod.training.presets.studio import PART, encoded, needs_exact, renderer


def test_faces_are_encoded_as_the_model_encodes_them():
    faces = torch.rand(PART + 1, 3, 128, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1
    styles = encoded(faces)
    assert styles.shape == (PART + 1, 16, 512)
    torch.testing.assert_close(styles[-1:], load().encode(faces[-1:]).styles, atol=1e-3, rtol=1e-3)


def test_the_preview_judges_all_but_the_finest_slots():
    assert [needs_exact(slot) for slot in (0, FIRST_FINE_SLOT - 1, FIRST_FINE_SLOT)] == [
        False, False, True
    ]  # fmt: skip


def test_without_openvino_torch_renders(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    network = torch.nn.Identity()
    assert renderer(network) is network
