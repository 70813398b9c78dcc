"""The steps of encoder and decoder, growth, and runs that go on exactly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from facemod.models.registry import load_model
from facemod.training.introspective.methods import METHODS
from facemod.training.loop import Moment, train
from facemod.training.settings import LoopOptions
from facemod.weights.files import load_weights

LOOP = LoopOptions(steps=6, checkpoint_every=2, device="cpu", precision="32-true")
CPU = {"accelerator": "cpu", "devices": 1}


def moment(progress: float, step: int = 0) -> Moment:
    torch.manual_seed(step)
    return Moment(step, progress, np.random.default_rng(step))


@pytest.mark.parametrize("recipe", METHODS)
def test_each_network_is_moved_by_its_own_losses_alone(builder, recipe) -> None:
    trainer = builder(recipe)(Fabric(**CPU))
    now = trainer.schedule.at(0.99)
    sum(trainer.encoder_losses(now, np.random.default_rng(0)).values()).backward()
    assert all(p.grad is None for p in trainer.decoder.parameters())
    assert trainer.encoder.blocks[0].conv1.bias.grad.abs().sum() > 0
    trainer.for_encoder.zero_grad()
    sum(trainer.decoder_losses(now, np.random.default_rng(0)).values()).backward()
    assert all(p.grad is None for p in trainer.encoder.parameters())
    assert trainer.decoder.to_rgb[-1].bias.grad.abs().sum() > 0


@pytest.mark.parametrize("recipe", METHODS)
def test_losses_are_those_of_the_recipe(builder, recipe) -> None:
    losses = set(builder(recipe)(Fabric(**CPU)).step(moment(0.99)))
    common = {"matching", "contest", "divergence", "latent"}
    assert losses == common | ({"spread", "entanglement"} if recipe == "automodulator" else set())


def test_a_new_level_begins_as_an_enlargement_of_the_one_below(builder) -> None:
    trainer = builder("automodulator")(Fabric(**CPU))
    styles, _ = trainer.draw(trainer.schedule.at(0.5), 0.0, np.random.default_rng(0))
    below = replace(trainer.schedule.at(0.5), level=1, fade=1.0)
    begun, nearly = (replace(below, level=2, fade=fade) for fade in (0.0, 1e-3))
    with torch.no_grad():
        small = trainer.decode(styles, below)
        large = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
        assert torch.allclose(trainer.decode(styles, begun), large, atol=1e-6)
        assert torch.allclose(trainer.decode(styles, nearly), large, atol=2e-2)
        latents = trainer.encode(small, below)
        trainer.encoder.eval()  # the norms settle with every look at them
        latents = trainer.encode(small, below)
        assert torch.allclose(trainer.encode(large, begun), latents, atol=1e-5)


def test_mixed_styles_change_at_a_level_up_to_the_present_one(builder) -> None:
    trainer = builder("automodulator")(Fabric(**CPU))
    now = replace(trainer.schedule.at(0.99), batch=8)
    cuts = set()
    for seed in range(20):
        styles, cut = trainer.draw(now, 0.25, np.random.default_rng(seed))
        cuts.add(cut)
        same = (styles == styles[:, :1]).all(-1)
        assert same[2:].all() and same[:2, :cut].all() and not same[:2, cut:].any()
        assert torch.allclose(styles.norm(dim=-1), torch.ones(8, 3))
    assert cuts == {1, 2}
    assert trainer.mixed_count(replace(now, level=0), 0.5) == 0


def test_the_average_trails_the_decoder(builder) -> None:
    trainer = builder("pioneer", averaging=0.9)(Fabric(**CPU))
    begun = trainer.decoder.to_rgb[0].bias.detach().clone()
    trainer.step(moment(0.0))  # of two decoder steps
    first = trainer.decoder.to_rgb[0].bias.detach().clone()
    trainer.step(moment(0.01, 1))
    second = trainer.decoder.to_rgb[0].bias.detach()
    wanted = 0.9 * (0.9 * begun + 0.1 * first) + 0.1 * second
    assert torch.allclose(trainer.average.module.to_rgb[0].bias, wanted, atol=1e-7)


def test_decoder_steps_make_latents_easier_to_recover(builder) -> None:
    trainer = builder("automodulator", latent=4)(Fabric(**CPU))
    now = replace(trainer.schedule.at(0.0), learning_rate=5e-3, batch=32)
    values = []
    for step in range(60):
        torch.manual_seed(step)
        losses = trainer.decoder_losses(now, np.random.default_rng(step))
        trainer._improve(trainer.decoder, trainer.for_decoder, now, losses)
        values.append(losses["latent"].item())
    assert np.mean(values[-10:]) < np.mean(values[:10]) - 2  # 25 is the whole way


@pytest.mark.parametrize("recipe", METHODS)
def test_a_killed_run_ends_bit_for_bit_like_one_that_was_not(builder, recipe, tmp_path) -> None:
    train(builder(recipe), tmp_path / "whole", LOOP, lambda line: None)
    killed = tmp_path / "killed"

    def dies(progress: float) -> None:
        if progress == 4 / LOOP.steps:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # in step 5, one after the checkpoint
        train(builder(recipe), killed, LOOP, lambda line: None, dies)
    train(builder(recipe), killed, LOOP, lambda line: None)
    one, other = (
        torch.load(folder / "state.pt", weights_only=True)
        for folder in (tmp_path / "whole", killed)
    )
    for part in ("pair", "average", "robust"):
        assert one[part].keys() == other[part].keys()
        assert all(torch.equal(one[part][name], other[part][name]) for name in one[part])
    assert torch.equal(one["pool"], other["pool"])
    whole, facts = load_weights(tmp_path / "whole" / "model.safetensors")
    resumed, same_facts = load_weights(killed / "model.safetensors")
    assert facts == same_facts
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


@pytest.mark.parametrize("recipe", METHODS)
def test_the_result_is_a_model_that_shows_what_was_trained(builder, recipe, tmp_path) -> None:
    trainers = []

    def build(fabric: Fabric):
        trainers.append(builder(recipe)(fabric))
        return trainers[0]

    train(build, tmp_path, LOOP, lambda line: None)
    model = load_model(str(tmp_path / "model.safetensors"))
    assert (model.info.resolution, model.info.dim) == (16, 8)
    # 4 px, 8 px and 16 px, of which the batches are alike at this size
    assert model.info.images_seen == sum(
        trainers[0].schedule.at(step / LOOP.steps).batch for step in range(LOOP.steps)
    )
    codes = model.sample(3, seed=0)
    trainer = trainers[0]
    shown = trainer._averaged(trainer.pair.repeated(codes.styles[:, 0]))
    assert torch.allclose(model.decode(codes), shown, atol=1e-5)
    trainer.encoder.eval()
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    latents = trainer.encode(images, replace(trainer.schedule.at(1.0), fade=1.0))
    assert torch.allclose(model.encode(images).styles[:, 0], latents, atol=1e-5)


def test_a_level_that_hardly_shows_is_not_exported(builder, tmp_path) -> None:
    trainer = builder("automodulator", resolution=32, channels="8,8,4,4")(Fabric(**CPU))
    for progress in (0.0, 0.6, 0.7, 0.75, 0.81):  # 32 px show from 0.6 on
        trainer.step(moment(progress))
        trainer.export(tmp_path)
        if progress >= 0.6:
            shown = load_model(str(tmp_path / "model.safetensors")).info.resolution
            assert shown == (16 if trainer.fade < 0.5 else 32)
    assert trainer.fade == 1


def test_small_levels_are_not_exported(builder, tmp_path) -> None:
    trainer = builder("pioneer")(Fabric(**CPU))
    trainer.export(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_gradients_are_averaged_over_devices(builder) -> None:
    trainer = builder("pioneer")(Fabric(**CPU))
    parameters = [torch.nn.Parameter(torch.zeros(n)) for n in (2, 3, 1)]
    parameters[0].grad, parameters[1].grad = torch.ones(2), torch.full((3,), 2.0)

    class Two:
        world_size = 2

        def all_reduce(self, value, reduce_op):
            assert reduce_op == "mean"
            return (value + 3) / 2  # the other device's gradients are 3

    trainer.fabric = Two()
    trainer._agree(parameters)
    assert parameters[0].grad.tolist() == [2, 2]
    assert parameters[1].grad.tolist() == [2.5, 2.5, 2.5]
    assert parameters[2].grad is None


def test_statistics_and_the_sheet(builder, tmp_path) -> None:
    train(builder("automodulator"), tmp_path, LOOP, lambda line: None)
    (line,) = (tmp_path / "stats.jsonl").read_text().splitlines()
    assert json.loads(line)["step"] == 1
    assert (tmp_path / "sheet.png").exists()


def test_bf16_with_channels_last_trains(builder, tmp_path: Path) -> None:
    options = replace(LOOP, steps=2, precision="bf16-mixed")
    facts = train(builder("automodulator"), tmp_path, options, lambda line: None)
    assert facts["finished"]


def test_it_learns_to_tell_twelve_colours_apart(builder) -> None:
    options = {"channels": "16,16,8", "batch": 16, "margin": 0.05, "learning_rate": 3e-3}
    torch.manual_seed(0)
    trainer = builder("automodulator", **options)(Fabric(**CPU))
    now = trainer.schedule.at(0.1)
    images = trainer.pictures.shrunk(np.arange(12), 4)

    @torch.no_grad()
    def quality() -> tuple[float, float]:
        decoded = trainer.decode(trainer.pair.repeated(trainer.encode(images, now)), now)
        styles, _ = trainer.draw(replace(now, batch=64), 0.0, np.random.default_rng(0))
        cosine = (trainer.encode(trainer.decode(styles, now), now) * styles[:, 0]).sum(1).mean()
        return float((decoded - images).abs().mean()), float(cosine)

    before, _ = quality()
    for step in range(150):
        trainer.step(moment(0.1, step))
    error, cosine = quality()
    assert error < 0.6 * before
    assert cosine > 0.2
