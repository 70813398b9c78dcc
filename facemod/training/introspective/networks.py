"""The two networks of a run, in the form in which they are trained."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from facemod.models.pioneer.decoder import Decoder as OneLatentDecoder
from facemod.models.sphere.growing import Encoder, equalise, normalise_spectrally


class Pair(nn.Module):
    """Encoder and decoder; both kinds of decoder are given one latent per level [N, levels, D]."""

    def __init__(
        self,
        networks: tuple[Encoder, nn.Module],
        *,
        spectral_decoder: bool,
        norm_gradients: bool = True,
    ) -> None:
        """Give fresh networks the weights that training begins with."""
        super().__init__()
        self.encoder, self.decoder = networks
        normalise = partial(normalise_spectrally, through=norm_gradients)
        normalise(self.encoder.convolutions())
        scale = normalise if spectral_decoder else equalise
        scale(self.decoder.convolutions())
        self.levels = len(self.encoder.blocks)
        self.latent = self.encoder.blocks[0].conv2.out_channels
        self.to(memory_format=torch.channels_last)

    def repeated(self, latents: Tensor) -> Tensor:
        """The same latent [N, D] for every level [N, levels, D]."""
        return latents[:, None].expand(-1, self.levels, -1)


def decode(
    decoder: nn.Module, styles: Tensor, level: int, fade: float = 1.0, **more: Any
) -> Tensor:
    """Styles [N, levels, D] -> images of 4 << level px; PIONEERs read the first style alone.

    ``more`` is what automodulators take besides.
    """
    if isinstance(decoder, OneLatentDecoder):
        return decoder(styles[:, 0], level, fade)
    return decoder(styles, level, fade, **more)


@torch.no_grad()
def filled_plain(fresh: nn.Module, trained: nn.Module) -> nn.Module:
    """``fresh``, of as many levels or fewer, with the plain weights that training amounts to."""
    training = trained.training
    trained.eval()  # a look at a normalised weight would improve its norm
    state = {name: _value(trained, name) for name in fresh.state_dict()}
    trained.train(training)
    fresh.load_state_dict(state)
    return fresh


def _value(network: nn.Module, name: str) -> Tensor:
    module, _, leaf = name.rpartition(".")
    return getattr(network.get_submodule(module), leaf).detach().clone()
