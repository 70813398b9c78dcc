"""The two networks of a run, in the form in which they are trained."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from facemod.models.growing import Encoder, equalise, fold, normalise_spectrally
from facemod.models.pioneer.decoder import Decoder as OneLatentDecoder


class Pair(nn.Module):
    """Encoder and decoder; both kinds of decoder are given one latent per level [N, levels, D]."""

    def __init__(self, networks: tuple[Encoder, nn.Module], *, spectral_decoder: bool) -> None:
        """Give fresh networks the weights that training begins with."""
        super().__init__()
        self.encoder, self.decoder = networks
        normalise_spectrally(self.encoder.convolutions())
        scale = normalise_spectrally if spectral_decoder else equalise
        scale(self.decoder.convolutions())
        self.levels = len(self.encoder.blocks)
        self.latent = self.encoder.blocks[0].conv2.out_channels
        self.to(memory_format=torch.channels_last)

    def repeated(self, latents: Tensor) -> Tensor:
        """The same latent [N, D] for every level [N, levels, D]."""
        return latents[:, None].expand(-1, self.levels, -1)


def decode(decoder: nn.Module, styles: Tensor, level: int, fade: float = 1.0) -> Tensor:
    """Styles [N, levels, D] -> images of 4 << level px; PIONEERs read the first style alone."""
    one_latent = isinstance(decoder, OneLatentDecoder)
    return decoder(styles[:, 0] if one_latent else styles, level, fade)


def plain(network: nn.Module) -> nn.Module:
    """A copy that holds plain weights: what its scaled or normalised weights amount to."""
    copy = deepcopy(network).eval()
    fold(copy)
    return copy
