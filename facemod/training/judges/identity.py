"""The face-identity network of training and evaluation, from the checkpoint of its authors."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from facemod.errors import ModelError
from facemod.models.wavelet.identity import Identity, MobileFaceNet


def load_identity(checkpoint: Path) -> Identity:
    """The network with the weights of ``checkpoint``, under its key ``net_state_dict``.

    Raises:
        ModelError: the file is missing, damaged, or holds another network.
    """
    net = MobileFaceNet()
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        net.load_state_dict(state["net_state_dict"])
    except (OSError, KeyError, RuntimeError) as error:
        raise ModelError(f"{checkpoint}: not a MobileFaceNet checkpoint ({error})") from error
    return Identity(net)


def similarity(identity: Identity, a: Tensor, b: Tensor) -> Tensor:
    """Cosine [N] between the embeddings of two batches of aligned faces."""
    return (identity(a)[0] * identity(b)[0]).sum(1)
