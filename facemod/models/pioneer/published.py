"""Published PIONEERs (github.com/heljakka/pioneer): names, shapes, scaling.

The files do not hold the vectors of the encoder's spectral norm: the authors' code starts from
random ones and improves them at every use. The norm they tend to is taken here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from facemod.models.pioneer.model import FAMILY
from facemod.models.sphere.model import Facts
from facemod.models.sphere.published import (
    LEVELS,
    Checkpoint,
    Parts,
    Tensors,
    convert_encoder,
    convolution,
    equalised,
    has_all,
    image_heads,
    prefixed,
    true_norm,
)


def detect(keys: Collection[str]) -> bool:
    """Whether the names are those of a PIONEER's decoder (pixel norm stands at place 1)."""
    return has_all(
        keys, ("progression.0.conv.0.conv.weight_orig", "progression.0.conv.3.conv.weight_orig")
    )


def convert(checkpoint: Checkpoint) -> tuple[Facts, Tensors, Tensors]:
    """The facts and the plain weights of the encoder and the decoder, float64, by our names.

    Raises:
        ModelError: a tensor is missing, too many or of another shape.
    """
    encoder = convert_encoder(checkpoint, true_norm)
    decoder = convert_decoder(checkpoint, "conv.3", equalised)
    return checkpoint.facts(FAMILY, encoder, decoder), encoder, decoder


def convert_decoder(
    checkpoint: Checkpoint, second: str, plain: Callable[[Tensors], Tensors]
) -> Tensors:
    """The decoder's plain weights up to the checkpoint's level.

    ``second`` is the published name of a block's second convolution, ``plain`` folds a
    convolution.
    """
    source = Parts(checkpoint.decoder, checkpoint.path)
    widths = [source.width(f"to_rgb.{i}.weight", 1) for i in range(LEVELS)]
    latent = source.width("progression.0.conv.0.conv.weight_orig", 1)
    state = image_heads(source, widths, checkpoint.level + 1)
    for i, (c_in, c_out) in enumerate(zip((latent, *widths[:-1]), widths, strict=True)):
        size = 3 if i else 4
        convs = {
            "conv1": convolution(source, f"progression.{i}.conv.0", c_in, c_out, size),
            "conv2": convolution(source, f"progression.{i}.{second}", c_out, c_out, 3),
        }
        if i <= checkpoint.level:
            for key, conv in convs.items():
                state |= prefixed(f"blocks.{i}.{key}", plain(conv))
    source.take("label_embed.weight", 1, 1)
    source.finish()
    return state
