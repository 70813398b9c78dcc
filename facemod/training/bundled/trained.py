"""What trainings of the bundled networks share: one network, one optimiser, a replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer

from facemod.training.bundled.samples import Replay
from facemod.training.settings import (
    CorrectorOptions,
    DetailOptions,
    EncoderOptions,
    PreviewOptions,
    nameless,
)
from facemod.weights.files import save_weights

if TYPE_CHECKING:  # what only reads these networks needs no loop
    from facemod.training.loop import Fabric, Moment


class OneNetwork:
    """A task for :mod:`facemod.training.loop` but for its losses and its sheet."""

    key: str
    """What the network is called in the state."""
    release: str
    """The file of its release weights."""
    longest_gradient: float | None = None
    eight_bits: ClassVar[bool] = False
    """How the release weights are stored."""
    options: EncoderOptions | CorrectorOptions | DetailOptions | PreviewOptions
    fabric: Fabric
    facts: dict[str, Any]
    """Plain options, which travel with the release weights."""
    network: nn.Module
    """What is trained."""
    trained: nn.Module
    """What the optimiser moves, as the fabric set it up."""
    optimizer: Optimizer
    replay: Replay | None = None
    """Earlier samples, where they are shown again."""

    @property
    def released(self) -> nn.Module:
        """Whose weights are the release."""
        return self.network

    def losses(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The weighted losses of one fresh batch."""
        raise NotImplementedError

    def step(self, moment: Moment) -> dict[str, Tensor]:
        """One optimiser step; returns the losses."""
        o = self.options
        for group in self.optimizer.param_groups:
            group["lr"] = o.learning_rate * group.get("factor", 1.0) * moment.rate(o.warmup)
        losses = self.losses(moment.rng)
        self.optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(sum(losses.values()))
        if self.longest_gradient is not None:
            self.fabric.clip_gradients(self.trained, self.optimizer, max_norm=self.longest_gradient)
        self.optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}

    def state(self) -> dict[str, Any]:
        state = {
            self.key: self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        return state if self.replay is None else state | {"replay": self.replay.state()}

    def resume(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state[self.key])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.replay is not None:
            self.replay.resume(state["replay"])

    def export(self, folder: Path) -> None:
        """Write the release weights: fp16 or eight bits, the training options in the header."""
        facts = {"family": "wavelet", "training": nameless(self.facts)}
        weights = self.released.state_dict()
        save_weights(folder / self.release, weights, facts, eight_bits=self.eight_bits)
