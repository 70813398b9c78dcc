"""Fitting the decoder to one photo, in the spirit of Bau et al. 2019 (Semantic Photo Manipulation).

The styles that shape the face come first (:mod:`facemod.models.wavelet.styling`): edits move
them, so they have to be this person's, as in pivotal tuning (Roich et al. 2021). From then on the
early blocks, which decide what is where, stay as they are. Learnt are the late blocks' scales for
this photo, by moving the late styles (every late layer multiplies each of its channels by an
affine map of its style, so this spans Bau's per-channel factors), the map of details at 64 px and,
with the higher effort, a residual at 128 px: a few maps and how they mix into the channels there.
Where an edit moves the face, the residual at 128 px moves with it, as the details do; where it
makes something else of the face, the residual gives way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count, pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.latent.codes import Codes
from facemod.models.base import Effort, Watch, unwatched
from facemod.models.wavelet.crops import decode_crop, detail_crop
from facemod.models.wavelet.decoder import CHANNELS, SLOT_RESOLUTIONS, Decoder
from facemod.models.wavelet.details import (
    BLOCKS_BEFORE,
    RESOLUTION,
    SHAPING,
    DetailDecoder,
    untouched,
)
from facemod.models.wavelet.styling import StyleFitter
from facemod.models.windows import CROP, Window
from facemod.tensors.precision import autocast

FINE_SIDE = 2 * RESOLUTION
FINE_MAPS = 24
FINE_CHANNELS = CHANNELS[BLOCKS_BEFORE + 1]
FINE_SIZE = FINE_MAPS * FINE_SIDE**2
# The face within the FFHQ square, in 64 px features: first and last corner of windows over it.
FACE_ROWS, FACE_COLUMNS = (14, 40), (12, 36)
FACE_SHARE = 0.5
MAP_RATE, FINE_RATE, MIX_RATE, STYLE_RATE = 0.02, 0.04, 0.01, 0.005
WARMUP, LOWEST_RATE = 10, 0.05
COARSE, COARSE_WEIGHT = 4, 2.0
PROBES = (Window(16, 24), Window(26, 16), Window(26, 32), Window(38, 24))
PROBE_EVERY = 20  # steps
ENOUGH = 0.985  # the probes' loss has to fall by this factor
# Fitted styles hold the person themselves, so what they cannot hold may give way to edits sooner.
YIELDING = 3.0
SHORT = 3  # steps that tell how long the others take
PATIENCE = 3  # so many probes may be no better: steps are noisy


@dataclass(frozen=True)
class Budget:
    """How long a fit may take and whether it learns a residual at 128 px."""

    steps: int
    fine: bool
    styling: int = 20
    """Steps that fit the early styles."""


BUDGETS = {Effort.REFINE: Budget(80, fine=False), Effort.ADAPT: Budget(300, fine=True)}


def fine_residual(fitted: Tensor, before: Tensor, after: Tensor, yielding: Tensor) -> Tensor:
    """What fits [N, F] add to the 128 px features [N, 256, 128, 128].

    ``before`` and ``after`` [N, 512, 64, 64] are the 64 px features that the photo was encoded
    to and those of the edit; ``yielding`` [N] is as in :func:`untouched`.
    """
    maps, mix = unpacked(fitted)
    stays = F.interpolate(untouched(before, after, yielding), scale_factor=2, mode="bilinear")
    return mixed(maps * stays, mix)


def unpacked(fitted: Tensor) -> tuple[Tensor, Tensor]:
    """Maps [N, 24, 128, 128] and how they mix [N, 256, 24]."""
    maps, mix = fitted.split((FINE_SIZE, FINE_CHANNELS * FINE_MAPS), dim=1)
    return maps.unflatten(1, (FINE_MAPS, FINE_SIDE, FINE_SIDE)), mix.unflatten(1, (-1, FINE_MAPS))


def mixed(maps: Tensor, mix: Tensor) -> Tensor:
    """Maps [N, K, S, S] -> features [N, 256, S, S]."""
    return (mix @ maps.flatten(2)).unflatten(2, maps.shape[2:])


class Fit:
    """What is learnt from one photo, and the networks that show it."""

    def __init__(
        self, decoder: Decoder, details: DetailDecoder, image: Tensor, codes: Codes, budget: Budget
    ) -> None:
        """``codes`` are the encoder's for the one face of ``image`` [1, 3, 1024, 1024]."""
        self.decoder, self.details, self.image, self.budget = decoder, details, image, budget
        self.codes = codes
        device = image.device
        self.early = codes.styles.to(device)[:, :SHAPING].clone()
        self.late = codes.styles.to(device)[:, SHAPING:].clone()
        self.maps = codes.details[0].maps.to(device).clone()
        groups = [(self.maps, MAP_RATE), (self.late, STYLE_RATE)]
        if budget.fine:
            self.fine = torch.zeros(1, FINE_MAPS, FINE_SIDE, FINE_SIDE, device=device)
            generator = torch.Generator().manual_seed(1)
            mix = torch.randn(FINE_CHANNELS, FINE_MAPS, generator=generator)
            self.mix = torch.linalg.qr(mix)[0][None].to(device)
            groups += [(self.fine, FINE_RATE), (self.mix, MIX_RATE)]
        self.rates = [rate for _, rate in groups]
        self.optimizer = torch.optim.Adam(
            [{"params": [tensor.requires_grad_()], "lr": rate} for tensor, rate in groups],
            betas=(0.9, 0.99),
        )
        with torch.no_grad():
            self.features = decoder.features(codes.styles.to(device), BLOCKS_BEFORE)

    @property
    def styles(self) -> Tensor:
        return torch.cat((self.early, self.late), dim=1)

    @torch.no_grad()
    def probe(self) -> float:
        """The loss on four windows over the face."""
        return sum(float(self.loss(window)) for window in PROBES)

    def step(self, progress: float, window: Window) -> None:
        """Learn from one window of the photo."""
        falling = LOWEST_RATE + (1 - LOWEST_RATE) * (1 + np.cos(np.pi * progress)) / 2
        rate = min(1.0, (progress * self.budget.steps + 1) / WARMUP) * falling
        for group, highest in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = float(highest * rate)
        loss = self.loss(window)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def loss(self, window: Window) -> Tensor:
        """Squared error of a window at full size, and of its coarse part once more."""
        with autocast(self.image.device):
            residual = detail_crop(self.details, self.maps, self.features, window)
            features = window.of(self.features) + residual
            fine = None
            if self.budget.fine:
                fine = mixed(window.of(self.fine), self.mix)
            picture = decode_crop(self.decoder, features, self.styles, window, fine)
        error = window.inner(picture.float() - window.of(self.image))
        return error.square().mean() + COARSE_WEIGHT * F.avg_pool2d(error, COARSE).square().mean()

    def result(self) -> Codes:
        """The codes that were learnt, rounded as they are stored."""
        styles = rounded(self.styles)
        fitted = None
        if self.budget.fine:
            fitted = rounded(torch.cat((self.fine.flatten(1), self.mix.flatten(1)), dim=1))
        entry = self.codes.details[0]
        maps, yielding = rounded(self.maps), YIELDING * entry.yielding
        learnt = replace(entry, maps=maps, styles=styles, yielding=yielding, fitted=fitted)
        return replace(self.codes, styles=styles, details=(learnt,))


def fit_face(
    fitter: StyleFitter,
    details: DetailDecoder,
    image: Tensor,
    codes: Codes,
    effort: Effort,
    watch: Watch = unwatched,
) -> Codes:
    """Codes closer to one face's ``image`` [1, 3, 1024, 1024] in [-1, 1]; always the same ones.

    ``watch`` sees each step and may raise to end the fit.
    """
    budget, steps = BUDGETS[effort], count(1)

    def stepped() -> None:
        watch(next(steps), budget.styling + budget.steps)

    styles = codes.styles.to(image.device).clone()
    styles = rounded(fitter.fit(image, styles, budget.styling, stepped))
    shaped = replace(codes, styles=styles, details=(replace(codes.details[0], styles=styles),))
    learning = Fit(fitter.viewer.decoder, details, image, shaped, budget)
    learn(learning, stepped)
    return learning.result()


def learn(learning: Fit, stepped: Callable[[], None]) -> None:
    """Take the steps of a fit, or as many of them as pay."""
    steps = learning.budget.steps
    rng = np.random.default_rng(0)
    best, stale = learning.probe(), 0
    for step in range(steps):
        learning.step(step / steps, draw_window(rng))
        stepped()
        if (step + 1) % PROBE_EVERY == 0:
            error = learning.probe()
            stale = stale + 1 if error > ENOUGH * best else 0
            best = min(best, error)
            if stale == PATIENCE:
                break


def measured_seconds(
    fitter: StyleFitter, details: DetailDecoder, codes: Codes, effort: Effort
) -> float:
    """What all steps of a fit would take, by the shortest of a few of either kind.

    ``codes`` are those of any one face.
    """
    budget, device = BUDGETS[effort], fitter.mean.device
    codes = codes.to(device)
    image = torch.zeros(1, 3, SLOT_RESOLUTIONS[-1], SLOT_RESOLUTIONS[-1], device=device)
    ends = [time.perf_counter()]
    fitter.fit(image, codes.styles.clone(), SHORT, lambda: ends.append(time.perf_counter()))
    learning = Fit(fitter.viewer.decoder, details, image, codes, budget)
    windows = [time.perf_counter()]
    for window in PROBES[:SHORT]:
        learning.step(0.0, window)
        windows.append(time.perf_counter())
    styling, learnt = (min(b - a for a, b in pairwise(times)) for times in (ends, windows))
    return budget.styling * styling + budget.steps * learnt


def draw_window(rng: np.random.Generator) -> Window:
    """A random window, half of the time one over the face."""
    last = RESOLUTION - CROP
    if rng.random() < FACE_SHARE:
        return Window(int(rng.integers(*FACE_ROWS)), int(rng.integers(*FACE_COLUMNS)))
    top, left = np.clip(rng.integers(-4, last + 5, 2), 0, last)
    return Window(int(top), int(left))


def rounded(tensor: Tensor) -> Tensor:
    """As fp16 holds it, so that a stored fit gives the same pictures as a fresh one."""
    return tensor.detach().half().float()
