"""Fitting the decoder to photos, in the spirit of Bau et al. 2019 (Semantic Photo Manipulation).

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

from facemod.latent.codes import Codes, concatenate
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
    """What is learnt from each of N photos, side by side, and the networks that show it.

    Each is learnt as if it were alone: losses are sums over photos, and Adam knows no others.
    """

    def __init__(
        self, decoder: Decoder, details: DetailDecoder, images: Tensor, codes: Codes, budget: Budget
    ) -> None:
        """``codes`` are the encoder's for the N faces ``images`` [N, 3, 1024, 1024]."""
        self.decoder, self.details, self.images, self.budget = decoder, details, images, budget
        self.codes = codes
        faces, device = len(images), images.device
        self.early = codes.styles.to(device)[:, :SHAPING].clone()
        self.late = codes.styles.to(device)[:, SHAPING:].clone()
        self.maps = codes.details[0].maps.to(device).clone()
        groups = [(self.maps, MAP_RATE), (self.late, STYLE_RATE)]
        if budget.fine:
            self.fine = torch.zeros(faces, FINE_MAPS, FINE_SIDE, FINE_SIDE, device=device)
            generator = torch.Generator().manual_seed(1)
            mix = torch.randn(FINE_CHANNELS, FINE_MAPS, generator=generator)
            self.mix = torch.linalg.qr(mix)[0].repeat(faces, 1, 1).to(device)
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
    def probe(self) -> Tensor:
        """Each photo's loss on four windows over the face: [N], on the CPU."""
        return torch.stack([self.loss(window) for window in PROBES]).sum(0).cpu()

    def step(self, progress: float, window: Window) -> None:
        """Learn from one window of the photos."""
        falling = LOWEST_RATE + (1 - LOWEST_RATE) * (1 + np.cos(np.pi * progress)) / 2
        rate = min(1.0, (progress * self.budget.steps + 1) / WARMUP) * falling
        for group, highest in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = float(highest * rate)
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(window).sum().backward()
        self.optimizer.step()

    def loss(self, window: Window) -> Tensor:
        """Each photo's squared error of a window at full size, its coarse part once more: [N]."""
        with autocast(self.images.device):
            residual = detail_crop(self.details, self.maps, self.features, window)
            features = window.of(self.features) + residual
            fine = None
            if self.budget.fine:
                fine = mixed(window.of(self.fine), self.mix)
            picture = decode_crop(self.decoder, features, self.styles, window, fine)
        error = window.inner(picture.float() - window.of(self.images))
        fine, coarse = (e.square().mean((1, 2, 3)) for e in (error, F.avg_pool2d(error, COARSE)))
        return fine + COARSE_WEIGHT * coarse

    def result(self) -> Codes:
        """The codes that were learnt by now, rounded as they are stored."""
        styles = rounded(self.styles)
        fitted = None
        if self.budget.fine:
            fitted = rounded(torch.cat((self.fine.flatten(1), self.mix.flatten(1)), dim=1))
        entry = self.codes.details[0]
        maps, yielding = rounded(self.maps), YIELDING * entry.yielding
        learnt = replace(entry, maps=maps, styles=styles, yielding=yielding, fitted=fitted)
        return replace(self.codes, styles=styles, details=(learnt,))


def fit_faces(
    fitter: StyleFitter,
    details: DetailDecoder,
    images: Tensor,
    codes: Codes,
    effort: Effort,
    watch: Watch = unwatched,
) -> Codes:
    """Codes closer to N faces ``images`` [N, 3, 1024, 1024] in [-1, 1], as if each were alone.

    ``watch`` sees each step and may raise to end the fit.
    """
    budget, steps = BUDGETS[effort], count(1)

    def stepped() -> None:
        watch(next(steps), budget.styling + budget.steps)

    styles = codes.styles.to(images.device).clone()
    styles = rounded(fitter.fit(images, styles, budget.styling, stepped))
    shaped = replace(codes, styles=styles, details=(replace(codes.details[0], styles=styles),))
    return learn(Fit(fitter.viewer.decoder, details, images, shaped, budget), stepped)


def learn(learning: Fit, stepped: Callable[[], None]) -> Codes:
    """Take the steps of a fit, for each photo as many of them as pay; what that gives."""
    steps, rng, ended = learning.budget.steps, np.random.default_rng(0), dict[int, Codes]()
    best = learning.probe()
    stale = torch.zeros_like(best)
    for step in range(steps):
        learning.step(step / steps, draw_window(rng))
        stepped()
        if (step + 1) % PROBE_EVERY == 0:
            error = learning.probe()
            stale = torch.where(error > ENOUGH * best, stale + 1, 0)
            best = torch.minimum(best, error)
            for face in torch.nonzero(stale == PATIENCE).flatten().tolist():
                ended.setdefault(face, learning.result()[face])
            if len(ended) == len(best):
                break
    last = learning.result()
    return concatenate(ended.get(face, last[face]) for face in range(len(last)))


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
