"""One step of each recipe, beside the same step by the authors' objectives taken literally.

Losses and every gradient have to agree, with what was drawn handed from one side to the other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import published_objectives as theirs
import pytest
import torch
from lightning_fabric import Fabric

from facemod.training.introspective.schedule import Position

BATCH, LEVEL = 8, 2
CPU = {"accelerator": "cpu", "devices": 1}
FADING = (0.4, 1.0)
MARGINS = (0.0, 0.05, 1e-4)  # none; one that is not reached; one that is


class Drawn:
    """What a trainer draws, remembered in order."""

    def __init__(self, trainer) -> None:
        self.trainer, self.images, self.noise, self.styles = trainer, [], [], []
        self._draw, self._batch = trainer.draw, trainer.pictures.batch
        trainer.draw, trainer.pictures.batch = self.draw, self.batch
        if trainer.noise is not None:
            trainer.noise = self.make_noise

    def make_noise(self, x):
        self.noise.append(torch.randn(x.shape))
        return self.noise[-1]

    def draw(self, *words):
        self.styles.append(self._draw(*words))
        return self.styles[-1]

    def batch(self, *words):
        self.images.append(self._batch(*words))
        return self.images[-1]


@pytest.fixture
def trainer(builder, request):
    torch.manual_seed(5)
    recipe, more = request.param
    made = builder(recipe, batch=BATCH, **more)(Fabric(**CPU))
    with torch.no_grad():
        for name, parameter in made.decoder.named_parameters():
            if "noise_gain" in name:
                parameter.normal_(std=0.3)
            if recipe == "balanced" and name.startswith("to_rgb") and name.endswith("weight"):
                parameter *= 3000  # fresh norms hide what differs: all pictures would be one
        for parameter in made.robust.parameters():
            parameter.normal_(std=0.5)
    return made


def position(alpha: float, margin: float) -> Position:
    matching = 1.5 if alpha == 1 else 1.0
    return Position(LEVEL, alpha, matching, 1e-3, margin, BATCH)


def agree(module, reference: dict[str, torch.Tensor], frozen: tuple[str, ...] = ()) -> None:
    """Every gradient of ours is theirs; what they freeze has none."""
    compared = 0
    for name, parameter in module.named_parameters():
        wanted = reference[name].grad
        if wanted is None or name.startswith(frozen or ("-",)):
            assert parameter.grad is None or not parameter.grad.any(), name
            continue
        size = wanted.abs().max().clamp_min(1e-6)
        assert torch.allclose(parameter.grad / size, wanted / size, atol=2e-3), name
        compared += bool(wanted.any())
    assert compared > 5


KINDS = [
    pytest.param(("pioneer", {}), id="pioneer"),
    pytest.param(("balanced", {}), id="balanced"),
    pytest.param(("balanced", {"last_relu": True}), id="balanced-last-relu"),
    pytest.param(("automodulator", {}), id="automodulator"),
    pytest.param(("automodulator", {"noise": False}), id="automodulator-no-noise"),
]


def settings(trainer) -> tuple[str, bool]:
    """The recipe, and whether the encoder ends in a leaky ReLU."""
    return trainer.method.name, trainer.encoder.blocks[0].activate


@pytest.mark.parametrize("alpha", FADING)
@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("trainer", KINDS, indirect=True)
def test_the_encoder_learns_what_is_published(trainer, alpha, margin) -> None:
    kind, last_relu = settings(trainer)
    if kind == "pioneer":
        margin = 0.0  # it has none
    assert last_relu == (kind == "pioneer" or (trainer.facts.last_relu and kind == "balanced"))
    drawn, now = Drawn(trainer), position(alpha, margin)
    enc, dec = theirs.Network.of(trainer.encoder), theirs.Network.of(trainer.decoder)
    loss = sum(trainer.encoder_losses(now, np.random.default_rng(3)).values())
    loss.backward()

    (images,), ((styles, cut),) = drawn.images, drawn.styles
    noise = iter(drawn.noise) if trainer.noise else None
    x = theirs.shown(images, alpha)
    real_z = theirs.encode(enc, x, LEVEL, alpha, last_relu=last_relu)
    if kind == "automodulator":
        assert (styles[: BATCH // 4, cut] != styles[: BATCH // 4, 0]).any()
        (rebuilt,) = theirs.run(dec, [(real_z, 0, -1)], LEVEL, alpha, noise)
        shape, scale = (
            parameters[LEVEL].detach().clone().requires_grad_()
            for parameters in (trainer.robust.shapes, trainer.robust.scales)
        )
        error = theirs.robust(rebuilt - x, shape, scale) * now.matching * 0.2
        parts = [(styles[:, 0], 0, cut), (styles[:, cut], cut, -1)]
        fake = theirs.run(dec, parts, LEVEL, alpha, noise)[-1].detach()
    else:
        balanced = kind == "balanced"
        rebuilt = theirs.decode_one(dec, real_z, LEVEL, alpha, balanced=balanced)
        error = (rebuilt - x).abs().mean() * now.matching
        fake = theirs.decode_one(dec, styles[:, 0], LEVEL, alpha, balanced=balanced).detach()
    fake_z = theirs.encode(enc, fake, LEVEL, alpha, last_relu=last_relu)
    wanted = theirs.encoder_loss(real_z, fake_z, error, margin, kind)
    wanted.backward()

    assert loss.item() == pytest.approx(wanted.item(), rel=1e-4, abs=1e-4)
    agree(trainer.encoder, enc.p)
    if kind == "automodulator":
        for ours, literal in ((trainer.robust.shapes, shape), (trainer.robust.scales, scale)):
            size = literal.grad.abs().max()
            assert torch.allclose(ours[LEVEL].grad / size, literal.grad / size, atol=2e-2)
    if noise is not None:
        assert next(noise, None) is None


@pytest.mark.parametrize("alpha", FADING)
@pytest.mark.parametrize("trainer", KINDS, indirect=True)
def test_the_decoder_learns_what_is_published(trainer, alpha) -> None:
    kind, last_relu = settings(trainer)
    drawn, now = Drawn(trainer), position(alpha, 0.05)
    enc, dec = theirs.Network.of(trainer.encoder), theirs.Network.of(trainer.decoder)
    loss = sum(trainer.decoder_losses(now, np.random.default_rng(3)).values())
    loss.backward()

    ((styles, cut),) = drawn.styles
    noise = iter(drawn.noise) if trainer.noise else None
    frozen: tuple[str, ...] = ()
    if kind == "automodulator":
        frozen, mixed = (f"to_rgb.{LEVEL - 1}.",), BATCH // 2
        assert (styles[:mixed, cut] != styles[:mixed, 0]).any()
        parts = [(styles[:, 0], 0, cut), (styles[:, cut], cut, -1)]
        between, fake = theirs.run(dec, parts, LEVEL, alpha, noise)
        egz = theirs.encode(enc, fake, LEVEL, alpha, last_relu=last_relu)
        (again,) = theirs.run(dec, [(egz[:mixed], 0, cut)], LEVEL, alpha, noise)
        layered = ((again.reshape(mixed, -1) - between[:mixed].reshape(mixed, -1)) ** 2).mean()
        wanted = theirs.decoder_loss(egz, styles[:, 0], mixed) + layered
    else:
        fake = theirs.decode_one(dec, styles[:, 0], LEVEL, alpha, balanced=kind == "balanced")
        egz = theirs.encode(enc, fake, LEVEL, alpha, last_relu=last_relu)
        wanted = theirs.decoder_loss(egz, styles[:, 0])
    wanted.backward()

    assert loss.item() == pytest.approx(wanted.item(), rel=1e-4)
    agree(trainer.decoder, dec.p, frozen)
    if noise is not None:
        assert next(noise, None) is None


@pytest.mark.parametrize("trainer", KINDS, indirect=True)
def test_a_step_is_one_of_the_encoder_and_then_those_of_the_decoder(trainer, monkeypatch) -> None:
    began = {n: p.clone() for n, p in trainer.average.module.named_parameters()}
    called = []
    for name in ("encoder_losses", "decoder_losses"):
        original = getattr(trainer, name)
        monkeypatch.setattr(trainer, name, lambda *a, n=name, f=original: called.append(n) or f(*a))
    now = replace(position(0.4, 0.05))
    monkeypatch.setattr(trainer.schedule, "at", lambda progress: now)
    trainer.step(type("M", (), {"progress": 0.5, "rng": np.random.default_rng(0), "step": 0})())
    steps = 2 if trainer.method.name == "pioneer" else 1
    assert called == ["encoder_losses"] + steps * ["decoder_losses"]
    assert all(group["lr"] == 1e-3 for group in trainer.for_encoder.param_groups)
    for name, parameter in trainer.average.module.named_parameters():
        ours = dict(trainer.decoder.named_parameters())[name]
        assert torch.allclose(parameter, 0.999 * began[name] + 0.001 * ours, atol=1e-6), name
    if trainer.method.name == "automodulator":
        skip = trainer.decoder.to_rgb[LEVEL - 1].weight
        assert torch.equal(skip, began[f"to_rgb.{LEVEL - 1}.weight"])
