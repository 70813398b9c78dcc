"""Published Balanced PIONEERs (github.com/AaltoVision/balanced-pioneer): names, shapes, scaling.

Both networks are spectrally normalised. The vectors of the norms lie in a second file that the
authors' code improves at every use; the norm they tend to is taken here, and no second file is
needed. The decoder's variants without spectral norm cannot be told from it by their names in
one case (equalised learning rate without pixel norm); the published models have spectral norm.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from facemod.models.pioneer.published import convert_decoder
from facemod.models.sphere.model import Facts
from facemod.models.sphere.published import (
    Checkpoint,
    Tensors,
    convert_encoder,
    has_all,
    normalised,
    true_norm,
)

FAMILY = "balanced-pioneer"


def detect(keys: Collection[str]) -> bool:
    """Whether the names are those of a Balanced PIONEER's decoder."""
    return has_all(
        keys, ("progression.0.conv.0.conv.weight_orig", "progression.0.conv.2.conv.weight_orig")
    )


def convert(checkpoint: Checkpoint) -> tuple[Facts, Tensors, Tensors]:
    """The facts and the plain weights of the encoder and the decoder, float64, by our names.

    Raises:
        ModelError: a tensor is missing, too many or of another shape.
    """
    encoder = convert_encoder(checkpoint, true_norm)
    decoder = convert_decoder(checkpoint, "conv.2", partial(normalised, norm=true_norm))
    return checkpoint.facts(FAMILY, encoder, decoder), encoder, decoder
