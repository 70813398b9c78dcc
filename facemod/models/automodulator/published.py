"""Published automodulators (github.com/AaltoVision/automodulator): names, shapes, scaling."""

from __future__ import annotations

from collections.abc import Collection

from facemod.errors import ModelError
from facemod.models.automodulator.model import FAMILY
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
    stored_norm,
)

MAPPING_LAYERS = 2


def detect(keys: Collection[str]) -> bool:
    """Whether the names are those of a published automodulator's decoder."""
    return has_all(keys, ("adanorm_blocks.0.mod.weight", "progression.0.conv.3.mod.weight"))


def convert(checkpoint: Checkpoint) -> tuple[Facts, Tensors, Tensors]:
    """The facts and the plain weights of the encoder and the decoder, float64, by our names.

    Raises:
        ModelError: a tensor is missing, too many, of another shape, or belongs to a variant
            that the published models are not.
    """
    path = checkpoint.path
    if checkpoint.spectral is None or len(checkpoint.spectral) != 2 * LEVELS:
        raise ModelError(
            f"{path}: holds no vectors of the encoder's spectral norm (SNU, {2 * LEVELS} of them);"
            " checkpoints older than November 2020 keep them elsewhere and cannot be used"
        )
    if any(key.startswith("support") for key in checkpoint.decoder):
        raise ModelError(f"{path}: a flip-invariant variant with a support block; not supported")
    if "progression.1.conv.0.2.mod.weight" in checkpoint.decoder:
        raise ModelError(f"{path}: a variant with bilinear upsampling; not supported")
    encoder = convert_encoder(checkpoint, stored_norm(checkpoint))
    decoder = convert_decoder(checkpoint)
    return checkpoint.facts(FAMILY, encoder, decoder), encoder, decoder


def convert_decoder(checkpoint: Checkpoint) -> Tensors:
    """The decoder's plain weights up to the checkpoint's level."""
    source = Parts(checkpoint.decoder, checkpoint.path)
    widths = [source.width(f"to_rgb.{i}.weight", 1) for i in range(LEVELS)]
    latent = source.width("progression.0.conv.3.mod.weight", 1)
    state = image_heads(source, widths, checkpoint.level + 1)
    for i in range(LEVELS):
        layers = {"conv2": ("conv.1", "conv.3", widths[i], 1)}
        if i > 0:
            layers["conv1"] = ("conv.0.0", "conv.0.3", widths[i - 1], 0)
        for ours, (conv, style, c_in, place) in layers.items():
            sizes, copy = (c_in, widths[i], latent), 2 * i - 1 + place
            tensors = layer(source, f"progression.{i}", conv, style, sizes, copy)
            tensors["noise_gain"] = source.take(f"noise.{i}.{place}.noise_scale", widths[i])
            if i <= checkpoint.level:
                state |= prefixed(f"blocks.{i}.{ours}", tensors)
    pass_over_unused(source, widths[0], latent)
    source.finish()
    return state


def layer(
    source: Parts, block: str, conv: str, style: str, sizes: tuple[int, int, int], copy: int
) -> Tensors:
    """A styled convolution: scaled weights and the affine map, which the file holds twice."""
    c_in, c_out, latent = sizes
    gain = source.take(f"{block}.{conv}.conv.weight_gain", 1)
    scaled = equalised(convolution(source, f"{block}.{conv}", c_in, c_out, 3), float(gain))
    tensors = prefixed("conv", scaled)
    for name, shape in (("weight", (2 * c_out, latent)), ("bias", (2 * c_out,))):
        affine = source.take(f"{block}.{style}.mod.{name}", *shape)
        if not affine.equal(source.take(f"adanorm_blocks.{copy}.mod.{name}", *shape)):
            raise ModelError(f"{source.path}: {block}.{style}.mod and its copy differ")
        tensors[f"style.affine.{name}"] = affine
    return tensors


def pass_over_unused(source: Parts, width: int, latent: int) -> None:
    """Check the tensors that the published models carry and never use."""
    source.take("label_embed.weight", 1, 1)
    source.take("noise.0.0.noise_scale", width)
    for i in range(MAPPING_LAYERS):
        source.take(f"z_preprocess.{i}.0.bias", latent)
        source.take(f"z_preprocess.{i}.0.weight_orig", latent, latent)
        source.take(f"z_preprocess.{i}.0.weight_gain", 1)
