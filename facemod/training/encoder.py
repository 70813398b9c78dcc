"""Train the bundled encoder: decoder samples with known styles, then real faces as well.

    python -m facemod.training.encoder RUN --preview preview.safetensors \
        --faces faces.npz --identity mobilefacenet.ckpt

The run folder is self-describing: ``options.json``, ``stats.jsonl``, ``state.pt`` (to resume) and
``sheet.png`` (inputs above reconstructions).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.models.wavelet.decoder import SLOTS, STYLE_DIM, Decoder
from facemod.models.wavelet.encoder import Encoder
from facemod.models.wavelet.mapping import Mapping
from facemod.models.weights import filled, save_weights
from facemod.training.data import PackedFaces, degrade
from facemod.training.identity import Identity
from facemod.training.losses import StyleLoss, identity_losses, multi_scale_l1
from facemod.training.preview import PreviewDecoder


@dataclass(frozen=True)
class Options:
    """Everything that decides a run. Saved beside it as JSON."""

    run: str
    bundle: str  # folder of decoder.safetensors and mapping.safetensors
    preview: str  # weights of the preview decoder's head
    faces: str | None = None  # packed real faces; None trains on decoder samples alone
    identity: str | None = None  # MobileFaceNet checkpoint
    steps: int = 4000
    warmup: int = 200  # steps of rising learning rate
    learning_rate: float = 1e-3
    samples: int = 12  # fresh decoder samples per step
    replayed: int = 28  # earlier samples per step, degraded anew: rendering is expensive
    memory: int = 8192  # samples kept for replay
    reals: int = 0  # real faces per step
    pixel_weight: float = 2.0
    identity_weight: float = 0.6
    feature_weight: float = 0.6
    spread_weight: float = 0.03  # keeps styles of real faces near natural ones
    seed: int = 0
    checkpoint_every: int = 200  # steps


class Replay:
    """The last samples that were rendered, kept small, to be learnt from again."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.styles: list[Tensor] = []
        self.images: list[Tensor] = []

    def extended(
        self, styles: Tensor, images: Tensor, count: int, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Remember a fresh batch and return it with ``count`` remembered samples added."""
        chosen = rng.integers(0, len(self.styles), count) if self.styles else []
        old_styles = [self.styles[i].float() for i in chosen]
        old_images = [self.images[i].float() / 127.5 - 1 for i in chosen]
        self.styles = [*self.styles, *styles.half()][-self.capacity :]
        self.images = [*self.images, *((images + 1) * 127.5).round().byte()][-self.capacity :]
        return torch.stack([*styles, *old_styles]), torch.stack([*images, *old_images])


class Trainer:
    """The networks, data and optimiser of one run."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.rng = np.random.default_rng(options.seed)
        torch.manual_seed(options.seed)
        bundle = Path(options.bundle)
        decoder = filled(Decoder(), bundle / "decoder.safetensors")
        self.mapping = filled(Mapping(), bundle / "mapping.safetensors").requires_grad_(False)
        self.preview = PreviewDecoder(decoder, self.mapping.mean)
        filled(self.preview.convs, Path(options.preview))
        self.preview.requires_grad_(False).to(memory_format=torch.channels_last)
        natural = self.mapping(torch.randn(8192, STYLE_DIM))
        self.style_loss = StyleLoss(decoder, natural)
        self.faces = PackedFaces(Path(options.faces)) if options.faces else None
        self.identity = Identity(Path(options.identity)) if options.identity else None
        self.encoder = Encoder().to(memory_format=torch.channels_last)
        self.encoder.set_prior(natural)
        self.optimizer = torch.optim.AdamW(
            self.encoder.parameters(), lr=options.learning_rate, weight_decay=0.01
        )
        self.replay = Replay(options.memory)
        self.step = 0

    def learning_rate(self) -> float:
        """Linear warm-up, then half a cosine down to 2 %."""
        o = self.options
        rise = min(1.0, (self.step + 1) / o.warmup)
        return float(o.learning_rate * rise * (0.51 + 0.49 * np.cos(np.pi * self.step / o.steps)))

    def draw_styles(self, count: int) -> Tensor:
        """Styles [count, 16, 512] as users' photos may need: single or mixed, truncated."""
        truncation = torch.from_numpy(self.rng.uniform(0.4, 1.0, (count, 1))).float()
        a, b = (
            self.mapping.mean + truncation * (self.mapping(noise) - self.mapping.mean)
            for noise in torch.randn(2, count, STYLE_DIM)
        )
        cut = torch.from_numpy(self.rng.integers(1, 2 * SLOTS, (count, 1, 1)))
        return torch.where(torch.arange(SLOTS)[None, :, None] < cut, a[:, None], b[:, None])

    def losses(self) -> dict[str, Tensor]:
        """The weighted losses of one fresh batch."""
        o = self.options
        styles, images = self.replay.extended(*self.draw_samples(), o.replayed, self.rng)
        if self.faces is None:
            predicted = self.encode(degrade(images, self.rng))
            return {"style": self.style_loss(predicted, styles)}
        real, known = self.faces.batch(o.reals, self.rng)
        scene = images[: o.reals]
        real = blended(real, scene, known)
        predicted = self.encode(degrade(torch.cat([images, real]), self.rng))
        return {
            "style": self.style_loss(predicted[: len(styles)], styles),
            **self.real_losses(predicted[len(styles) :], real, known, scene),
        }

    @torch.no_grad()
    def draw_samples(self) -> tuple[Tensor, Tensor]:
        """Fresh styles and the images [samples, 3, 128, 128] they give."""
        styles = self.draw_styles(self.options.samples)
        with torch.autocast("cpu", torch.bfloat16):
            return styles, self.preview(styles).float().clamp(-1, 1)

    def encode(self, images: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.encoder(images.contiguous(memory_format=torch.channels_last)).float()

    def real_losses(
        self, styles: Tensor, real: Tensor, known: Tensor, scene: Tensor
    ) -> dict[str, Tensor]:
        """What reconstructions of real faces through the decoder are judged by.

        Outside of the known region both sides show the same ``scene``.
        """
        o = self.options
        with torch.autocast("cpu", torch.bfloat16):
            image = self.preview(styles).float()
        losses = {
            "pixel": o.pixel_weight * multi_scale_l1(image, real, known),
            "spread": o.spread_weight * self.style_loss.spread(styles),
        }
        if self.identity is not None:
            shown = blended(image, scene, known)
            likeness, features = identity_losses(self.identity, shown, real)
            losses["identity"] = o.identity_weight * likeness
            losses["feature"] = o.feature_weight * features
        return losses

    def train_step(self) -> dict[str, float]:
        """One optimiser step; returns the losses."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        losses = self.losses()
        self.optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        return {name: float(loss.detach()) for name, loss in losses.items()}

    def state(self) -> dict[str, Any]:
        return {
            "encoder": self.encoder.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "torch_rng": torch.get_rng_state(),
            "numpy_rng": json.dumps(self.rng.bit_generator.state),
        }

    def resume(self, state: dict[str, Any], *, weights_only: bool = False) -> None:
        """Continue from a saved state; ``weights_only`` starts a new schedule from its encoder."""
        self.encoder.load_state_dict(state["encoder"])
        if weights_only:
            return
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        torch.set_rng_state(state["torch_rng"])
        self.rng.bit_generator.state = json.loads(state["numpy_rng"])


def blended(faces: Tensor, scene: Tensor, known: Tensor) -> Tensor:
    """``faces`` where they are known and ``scene`` elsewhere, with a soft seam.

    Tight crops of real faces lack hair and background. A decoder sample lends its own: both are
    aligned alike, so the result is a plausible photo, where reflected padding would show eyes on
    the forehead.
    """
    inner = -F.max_pool2d(-F.pad(known, (4,) * 4), 9, stride=1)
    soft = F.avg_pool2d(inner, 9, stride=1, padding=4, count_include_pad=False)
    soft = torch.where(known.amin((1, 2, 3), keepdim=True) > 0, torch.ones_like(soft), soft)
    return soft * faces + (1 - soft) * scene


def train(options: Options, start: Path | None = None) -> None:
    """Run to the last step, resuming from the run folder's state if there is one."""
    run = Path(options.run)
    run.mkdir(parents=True, exist_ok=True)
    (run / "options.json").write_text(json.dumps(asdict(options), indent=2))
    trainer, state = Trainer(options), run / "state.pt"
    if state.exists():
        trainer.resume(torch.load(state, weights_only=True))
    elif start is not None:
        trainer.resume(torch.load(start, weights_only=True), weights_only=True)
    began = time.perf_counter()
    with (run / "stats.jsonl").open("a") as stats:
        while trainer.step < options.steps:
            losses = trainer.train_step()
            if trainer.step % 10 == 0:
                seconds = round(time.perf_counter() - began, 1)
                stats.write(json.dumps({"step": trainer.step, "seconds": seconds, **losses}) + "\n")
                stats.flush()
            if trainer.step % options.checkpoint_every == 0 or trainer.step == options.steps:
                torch.save(trainer.state(), run / "state.tmp")
                (run / "state.tmp").replace(state)
                export(trainer.encoder, run / "encoder.safetensors", options)


def export(encoder: Encoder, path: Path, options: Options) -> None:
    """Write the release weights: fp16, the training options in the header, files by name only."""
    told = {k: Path(v).name if isinstance(v, str) else v for k, v in asdict(options).items()}
    facts = {"family": "wavelet", "training": told}
    save_weights(path, encoder.state_dict(), facts)


def main() -> None:
    """Command line: every option of :class:`Options`, and ``--start`` from another run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--bundle", default=str(Path(__file__).parents[1] / "models/wavelet"))
    parser.add_argument("--start", type=Path, help="state.pt whose encoder to begin with")
    for name, field in Options.__dataclass_fields__.items():
        if name not in ("run", "bundle"):
            kind = {"int": int, "float": float}.get(str(field.type), str)
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=field.default)
    arguments = vars(parser.parse_args())
    start = arguments.pop("start")
    options = Options(**arguments)
    print(json.dumps(asdict(options), indent=2))
    train(options, start)


if __name__ == "__main__":
    main()
