"""Encoder against decoder, one step each; a task for :mod:`facemod.training.loop`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from facemod.imaging.sheet import tile
from facemod.models.registry import FORMATS
from facemod.models.sphere.growing import random_latents, resolution_of
from facemod.models.sphere.model import SMALLEST_RESOLUTION, Facts, centre_of, write_model
from facemod.tensors.pixels import to_pixels
from facemod.training.introspective.networks import Pair, decode, filled_plain
from facemod.training.introspective.objectives import (
    DIVERGENCE_WEIGHT,
    absolute,
    contest,
    divergence,
    entanglement,
    latent_mismatch,
)
from facemod.training.introspective.options import ModelOptions, Plan
from facemod.training.introspective.pictures import Pictures, softened
from facemod.training.introspective.replay import ImagePool, pool_size
from facemod.training.introspective.robust import AdaptiveLoss
from facemod.training.introspective.schedule import Position
from facemod.training.loop import Fabric, Moment

RELEASE = "model.safetensors"
SHOWN = 8  # pictures in a row of the sheet


class Trainer:
    """The networks, pictures and optimisers of one run."""

    def __init__(
        self, plan: Plan, options: ModelOptions, pictures: Pictures, fabric: Fabric
    ) -> None:
        self.method, self.schedule = plan.method, plan.schedule
        self.pictures, self.fabric = pictures, fabric
        self.facts = Facts(
            plan.method.family,
            options.resolution,
            plan.encoder_widths,
            plan.decoder_widths,
            options.latent,
            source=f"facemod train --recipe {plan.method.name}",
            last_relu=options.last_relu,
        )
        self.noise = torch.randn_like if options.noise and plan.method.noisy else None
        self.decoder_steps = options.decoder_steps or plan.method.decoder_steps
        networks = FORMATS[plan.method.family].networks(self.facts)
        pair = Pair(
            networks,
            spectral_decoder=plan.method.spectral_decoder,
            norm_gradients=options.norm_gradients,
        )
        self.pair = fabric.to_device(pair)
        self.encoder, self.decoder = self.pair.encoder, self.pair.decoder
        self.robust = fabric.to_device(AdaptiveLoss(pair.levels if plan.method.robust else 0))
        average = AveragedModel(self.decoder, multi_avg_fn=get_ema_multi_avg_fn(options.averaging))
        average.n_averaged.fill_(1)  # the first average is that with the untrained decoder
        self.average = average.requires_grad_(False)
        self.for_encoder = torch.optim.Adam(
            [*self.encoder.parameters(), *self.robust.parameters()], betas=plan.method.betas
        )
        self.for_decoder = torch.optim.Adam(self.decoder.parameters(), betas=plan.method.betas)
        self.pool = ImagePool()
        self.level = 0
        self.fade = 1.0  # of the level, at the last step
        self.images_seen = 0

    def step(self, moment: Moment) -> dict[str, Tensor]:
        """One step of the encoder and the decoder's steps; returns their losses."""
        now = self.schedule.at(moment.progress)
        self.fade = now.fade
        while self.level < now.level:
            self.level += 1
            if self.method.robust:
                self.robust.enter(self.level)
        losses = self._improve(
            self.encoder, self.for_encoder, now, self.encoder_losses(now, moment.rng)
        )
        for _ in range(self.decoder_steps):
            losses |= self._improve(
                self.decoder, self.for_decoder, now, self.decoder_losses(now, moment.rng)
            )
        self.average.update_parameters(self.decoder)
        self.images_seen += now.batch * self.fabric.world_size
        return losses

    def _improve(
        self,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        now: Position,
        losses: dict[str, Tensor],
    ) -> dict[str, Tensor]:
        for group in optimizer.param_groups:
            group["lr"] = now.learning_rate
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(sum(losses.values()))
        self._agree(p for group in optimizer.param_groups for p in group["params"])
        optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}

    def encoder_losses(self, now: Position, rng: np.random.Generator) -> dict[str, Tensor]:
        """What the encoder is trained with; the decoder is frozen, but lets gradients through."""
        method = self.method
        self.encoder.requires_grad_(True)
        self.decoder.requires_grad_(False)
        images = self.pictures.batch(now.batch, resolution_of(now.level), rng)
        images = softened(self.fabric.to_device(images), now.fade)
        latents = self.encode(images, now)
        decoded = self.decode(self.pair.repeated(latents), now)
        real = divergence(latents)
        fake = divergence(self.encode(self.fakes(now, rng), now))
        difference = (
            self.robust(decoded, images, now.level) if method.robust else absolute(decoded, images)
        )
        losses = {
            "matching": method.matching_weight * now.matching * difference,
            "contest": contest(real, fake, now.margin, bounded_above=method.bounded_above),
        }
        if method.extra_divergence:
            losses["spread"] = DIVERGENCE_WEIGHT * real
        return losses

    @torch.no_grad()
    def fakes(self, now: Position, rng: np.random.Generator) -> Tensor:
        """Decoded images for the encoder; once the level has faded in, some from earlier steps."""
        styles, _ = self.draw(now, self.method.mixed_for_encoder, rng)
        images = self.decode(styles, now)
        if not now.settled:
            return images
        return self.pool.exchanged(images, pool_size(now.level), rng)

    def decoder_losses(self, now: Position, rng: np.random.Generator) -> dict[str, Tensor]:
        """What the decoder is trained with; the encoder is frozen, but lets gradients through.

        The latents of images that mix two latents cannot be recovered. There, the first levels'
        features have to be what the recovered latent makes of them.
        """
        self.encoder.requires_grad_(False)
        self.decoder.requires_grad_(True)
        if self.method.frozen_skip and now.level:
            self.decoder.to_rgb[now.level - 1].requires_grad_(False)
        styles, cut = self.draw(now, self.method.mixed_for_decoder, rng)
        mixed = self.mixed_count(now, self.method.mixed_for_decoder)
        before = self.first_levels(styles, cut) if mixed else None
        recovered = self.encode(
            self.decode(styles, now, None if before is None else (cut, before)), now
        )
        losses = {
            "divergence": DIVERGENCE_WEIGHT * divergence(recovered),
            "latent": latent_mismatch(recovered[mixed:], styles[mixed:, -1]),
        }
        if before is not None:
            after = self.first_levels(self.pair.repeated(recovered[:mixed]), cut)
            losses["entanglement"] = entanglement(before[:mixed], after)
        return losses

    def first_levels(self, styles: Tensor, count: int) -> Tensor:
        """The decoder's feature map after its first ``count`` levels."""
        with self.fabric.autocast():
            return self.decoder.features(styles, range(count), noise=self.noise)

    def mixed_count(self, now: Position, share: float) -> int:
        """How many images of a batch mix two latents; at 4 px there is nothing to mix."""
        return int(share * now.batch) if now.level else 0

    def draw(self, now: Position, share: float, rng: np.random.Generator) -> tuple[Tensor, int]:
        """Random styles [batch, levels, D]; the first share of them change at a random level.

        Returns them and that level, 1 up to the present one.
        """
        dim, mixed = self.pair.latent, self.mixed_count(now, share)
        styles = self.pair.repeated(random_latents(now.batch, dim)).clone()
        cut = int(rng.integers(1, now.level + 1)) if now.level else 1
        styles[:mixed, cut:] = random_latents(mixed, dim)[:, None]
        return self.fabric.to_device(styles), cut

    def encode(self, images: Tensor, now: Position) -> Tensor:
        """Images of the present level -> latents [N, D]."""
        images = images.contiguous(memory_format=torch.channels_last)
        with self.fabric.autocast():
            return self.encoder(images, now.level, now.fade).float()

    def decode(
        self, styles: Tensor, now: Position, after: tuple[int, Tensor] | None = None
    ) -> Tensor:
        """Styles [N, levels, D] -> images of the present level, not clamped.

        ``after`` is as an automodulator's decoder takes it.
        """
        more = {"noise": self.noise, "after": after}
        with self.fabric.autocast():
            return decode(self.decoder, styles, now.level, now.fade, **more).float()

    def _agree(self, parameters: Iterable[nn.Parameter]) -> None:
        """Average gradients over all devices.

        Wrappers that do so by themselves want one pass through each network per step, and the
        same parameters in all of them; here every network is run several times, or frozen.
        """
        if self.fabric.world_size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        mean = self.fabric.all_reduce(torch.cat([g.flatten() for g in gradients]), reduce_op="mean")
        for gradient, part in zip(
            gradients, mean.split([g.numel() for g in gradients]), strict=True
        ):
            gradient.copy_(part.view_as(gradient))

    @torch.no_grad()
    def sheet(self) -> NDArray[np.uint8]:
        """Pictures above their reconstructions; random ones; and mixes, where there are any.

        The mixes have the coarser levels of the random pictures and the finer ones of others.
        """
        now = Position(self.level, self.fade, 1.0, 0.0, 0.0, SHOWN)
        shown = np.linspace(0, len(self.pictures) - 1, SHOWN).astype(np.int64)
        images = self.fabric.to_device(self.pictures.shrunk(shown, resolution_of(self.level)))
        images = softened(images, self.fade)
        generator = torch.Generator().manual_seed(0)
        drawn = random_latents(2 * SHOWN, self.pair.latent, generator)
        coarse, fine = self.pair.repeated(self.fabric.to_device(drawn)).chunk(2)
        self.encoder.eval()
        rows = [images, self._averaged(self.pair.repeated(self.encode(images, now)))]
        self.encoder.train()
        rows.append(self._averaged(coarse))
        if self.method.modulated:
            cut = (self.pair.levels + 1) // 2
            rows.append(self._averaged(torch.cat([coarse[:, :cut], fine[:, cut:]], 1)))
        return tile(to_pixels(torch.cat(rows)), columns=SHOWN, gap=2)

    def _averaged(self, styles: Tensor) -> Tensor:
        """What the averaged decoder shows at the present level."""
        network = self.average.module.eval()
        with self.fabric.autocast():
            return decode(network, styles, self.level, self.fade).float().clamp(-1, 1)

    def export(self, folder: Path) -> None:
        """Write the model at the resolution that has at least half faded in.

        The decoder is the averaged one.
        """
        levels = self.level + (self.fade >= 0.5)
        resolution = resolution_of(levels - 1)
        if resolution < SMALLEST_RESOLUTION:
            return
        facts = replace(
            self.facts,
            resolution=resolution,
            encoder_widths=self.facts.encoder_widths[:levels],
            decoder_widths=self.facts.decoder_widths[:levels],
            images_seen=self.images_seen,
        )
        form = FORMATS[facts.family]
        encoder, decoder = form.networks(facts)
        networks = (
            filled_plain(encoder, self.encoder),
            filled_plain(decoder, self.average.module),
        )
        nowhere = torch.zeros(facts.latent)
        model = form.load(RELEASE, facts, networks, nowhere, str(self.fabric.device))
        write_model(folder / RELEASE, facts, networks, centre_of(model), overwrite=True)

    def state(self) -> dict[str, Any]:
        pool = torch.stack(self.pool.images) if self.pool.images else torch.zeros(0)
        return {
            "level": self.level,
            "images_seen": self.images_seen,
            "pair": self.pair.state_dict(),
            "average": self.average.state_dict(),
            "robust": self.robust.state_dict(),
            "for_encoder": self.for_encoder.state_dict(),
            "for_decoder": self.for_decoder.state_dict(),
            # of every device, and therefore one dimension more
            "pool": self.fabric.all_gather(pool).reshape(self.fabric.world_size, *pool.shape),
        }

    def resume(self, state: dict[str, Any]) -> None:
        self.level, self.images_seen = state["level"], state["images_seen"]
        for name in ("pair", "average", "robust", "for_encoder", "for_decoder"):
            getattr(self, name).load_state_dict(state[name])
        pool = state["pool"][self.fabric.global_rank]
        self.pool.images = list(self.fabric.to_device(pool))
