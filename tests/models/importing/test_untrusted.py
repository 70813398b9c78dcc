"""Files that anybody may have written: refused with a reason, and nothing in them is ever run."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import published
import pytest
import tiny
import torch

from facemod.errors import ModelError
from facemod.models.importing.convert import import_file
from facemod.models.importing.pickles import read_pickle
from facemod.models.registry import load_model

RAN = "FACEMOD_TEST_CODE_RAN"


@pytest.fixture(autouse=True)
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEMOD_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.delenv(RAN, raising=False)
    return tmp_path


class Attack:
    """Unpickled in full, it would leave a trace in the environment."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, ...]]:
        return exec, (f"import os; os.environ[{RAN!r}] = 'yes'",)


def attacks() -> dict[str, object]:
    good = published.checkpoint("automodulator")
    return {
        "alone": Attack(),
        "among the weights": {**good, "SNU": [Attack()]},
        "beside them": {**good, "extra": Attack()},
        "in an optimizer": {**good, "optimizerD": {"state": Attack()}},
    }


def legacy(content: object, path: Path) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


def plain(content: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(content))


def test_the_attack_works_where_it_is_allowed_to(own_models: Path) -> None:
    """Else the tests below would prove nothing."""
    torch.save(Attack(), own_models / "x.pth")
    torch.load(own_models / "x.pth", weights_only=False)
    assert os.environ.pop(RAN) == "yes"


@pytest.mark.parametrize("write", [torch.save, legacy, plain])
@pytest.mark.parametrize("kind", attacks())
def test_code_in_a_pickle_never_runs(own_models: Path, write, kind: str) -> None:
    path = own_models / "evil_state.pth"
    write(attacks()[kind], path)
    with pytest.raises(ModelError, match=r"evil_state\.pth.*(nothing was run|another kind)"):
        import_file(path)
    assert RAN not in os.environ
    assert not list(own_models.glob("models/*.safetensors"))


@pytest.mark.parametrize("head", [b"", b"\x80\x02", b"PK\x03\x04"], ids=["none", "pickle", "zip"])
def test_random_bytes_are_no_checkpoint_and_no_danger(own_models: Path, head: bytes) -> None:
    path = own_models / "noise.pth"
    path.write_bytes(head + random.Random(5).randbytes(4000))
    with pytest.raises(ModelError) as refused:
        import_file(path)
    message = str(refused.value)
    assert "truncated, damaged or of another kind" in message
    assert "could run code" not in message
    assert "PyTorch" not in message
    assert len(message) < len(str(path)) + 100


def test_a_code_object_hidden_by_a_tar_never_runs(own_models: Path) -> None:
    """The oldest format of torch, through which code ran before torch 2.6."""
    import tarfile

    path = own_models / "old.pth"
    with tarfile.open(path, "w") as archive:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            data = pickle.dumps(Attack())
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    with pytest.raises(ModelError, match=r"old\.pth"):
        import_file(path)
    assert RAN not in os.environ


@pytest.mark.parametrize("cut", [0, 1, 100, 5_000, -1, -200])
@pytest.mark.parametrize("write", [torch.save, legacy])
def test_truncated_checkpoints(own_models: Path, write, cut: int) -> None:
    path = own_models / "cut_state.pth"
    write(published.checkpoint("automodulator"), path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ModelError, match=r"cut_state\.pth: (not a checkpoint|holds a)"):
        import_file(path)


def test_random_bytes(own_models: Path) -> None:
    generator = torch.Generator().manual_seed(1)
    path = own_models / "noise.pth"
    for length in (1, 10, 1000):
        noise = torch.randint(0, 256, (length,), generator=generator, dtype=torch.uint8)
        path.write_bytes(bytes(noise.tolist()))
        with pytest.raises(ModelError, match=r"noise\.pth"):
            import_file(path)


def test_a_pickle_that_asks_for_terabytes(own_models: Path) -> None:
    path = own_models / "huge.pth"
    path.write_bytes(b"\x80\x02" + b"T" + struct.pack("<i", 0x7FFFFFFF) + b"abc.")
    with pytest.raises(ModelError, match=r"huge\.pth"):
        import_file(path)


def test_an_archive_that_unpacks_to_more_than_it_holds(own_models: Path) -> None:
    path = own_models / "bomb.pth"
    torch.save(torch.zeros(1_000_000), path)
    packed = own_models / "packed.pth"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(packed, "w") as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry), zipfile.ZIP_DEFLATED)
    assert packed.stat().st_size < 20_000
    with pytest.raises(ModelError, match="compressed"):
        read_pickle(packed)


def test_a_missing_file(own_models: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.pth: cannot be read"):
        import_file(own_models / "gone.pth")


Change = Callable[[dict[str, Any]], object]
DECODER = "G_running_state_dict"


def put(part: str, name: str, tensor: object) -> Change:
    return lambda content: content[part].__setitem__(f"module.{name}", tensor)


def drop(part: str, name: str) -> Change:
    return lambda content: content[part].pop(f"module.{name}")


def assign(key: str, value: object) -> Change:
    return lambda content: content.__setitem__(key, value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put(DECODER, "to_rgb.1.bias", torch.tensor([0, float("nan"), 0])), "not finite"),
        (put("D_state_dict", "from_rgb.8.bias", torch.full((12,), float("inf"))), "not finite"),
        (put(DECODER, "to_rgb.1.bias", torch.zeros(4)), "to_rgb.1.bias is 4, not 3"),
        (put(DECODER, "to_rgb.1.bias", "text"), "not a tensor"),
        (put(DECODER, "to_rgb.1.bias", torch.zeros(3, dtype=torch.int64)), "not a tensor"),
        (put(DECODER, "to_rgb.1.bias", torch.zeros(1).expand(1 << 40)), "claims more"),
        (put(DECODER, "progression.9.conv.1.conv.bias", torch.zeros(3)), "rather than guessed"),
        (put(DECODER, "adanorm_blocks.3.mod.bias", torch.zeros(20)), "its copy differ"),
        (put(DECODER, "supportTorgbBlock8.bias", torch.zeros(3)), "flip-invariant"),
        (put(DECODER, "progression.1.conv.0.2.mod.weight", torch.zeros(3)), "bilinear"),
        (put("D_state_dict", "linear.weight", torch.zeros(3)), "rather than guessed"),
        (drop(DECODER, "progression.2.conv.1.conv.weight_orig"), "weight_orig is missing"),
        (drop(DECODER, "noise.4.1.noise_scale"), "noise.4.1.noise_scale is missing"),
        (drop("D_state_dict", "from_rgb.0.weight"), "from_rgb.0.weight is missing"),
        (assign("phase", 9), "phase is 9"),
        (assign("phase", 1), "phase is 1"),
        (assign("phase", "7"), "phase is 7, not a count"),
        (assign("iteration", float("nan")), "iteration is nan"),
        (assign("D_state_dict", [1, 2]), "not a table of tensors"),
        (assign("SNU", [torch.zeros(1, 1)] * 17), "SNU, 18 of them"),
        (assign("SNU", [torch.ones(3, 1)] * 18), "has 3 numbers"),
        (assign("SNU", {"a": 1}), "not a list"),
        (lambda content: content.pop("SNU"), "older than November 2020"),
        (lambda content: content.pop("phase"), "it has no phase"),
        (assign(DECODER, {"module.weight": torch.zeros(3)}), "none of automodulator, pioneer"),
        (
            put("D_state_dict", "progression.8.conv.0.conv.weight_orig",
                torch.zeros(12, 12, 3, 3)),
            "cannot be normalised",
        ),
    ],
)  # fmt: skip
def test_what_is_no_published_checkpoint(own_models: Path, change: Change, words: str) -> None:
    content = published.checkpoint("automodulator")
    change(content)
    path = own_models / "odd_state.pth"
    if "claims more" in words:  # such a tensor can be loaded, but torch does not write it
        from facemod.models.sphere.published import Checkpoint

        with pytest.raises(ModelError, match=words):
            Checkpoint.read(content, path)
        return
    torch.save(content, path)
    with pytest.raises(ModelError, match=words):
        import_file(path)
    assert not list(own_models.glob("models/*"))


@pytest.mark.parametrize("content", [None, 3, "text", [1], torch.zeros(2, 3)])
def test_pickles_of_other_things(own_models: Path, content: object) -> None:
    torch.save(content, own_models / "other.pth")
    with pytest.raises(ModelError, match=r"other\.pth"):
        import_file(own_models / "other.pth")


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the header of a safetensors file and leave its tensors as they are."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    config = json.loads(header["__metadata__"]["config"])
    change(config)
    header["__metadata__"]["config"] = json.dumps(config)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(family="stylegan"), "known families"),
        (lambda c: c.update(resolution=48), "describes no model"),
        (lambda c: c.update(resolution=1 << 40), "describes no model"),
        (lambda c: c.update(encoder_widths=[1 << 30] * 5), "describes no model"),
        (lambda c: c.update(encoder_widths=[8] * 4), "describes no model"),
        (lambda c: c.update(encoder_widths=[8.5] * 5), "describes no model"),
        (lambda c: c.update(encoder_widths=8), "describes no model"),
        (lambda c: c.update(latent="many"), "describes no model"),
        (lambda c: c.update(latent=13), "no centre of 13 numbers"),
        (lambda c: c.update(decoder_widths=[2048] * 5), "do not fit"),
        (lambda c: c.update(family="pioneer"), "do not fit"),
        (lambda c: c.pop("decoder_widths"), "describes no model"),
    ],
)
def test_model_files_whose_header_lies(own_models: Path, change, words: str) -> None:
    path = tiny.write_tiny(own_models, "automodulator")
    rewritten(path, change)
    with pytest.raises(ModelError, match=words):
        load_model(str(path))


def test_damaged_model_files(own_models: Path) -> None:
    path = tiny.write_tiny(own_models, "pioneer")
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:100], b"", struct.pack("<Q", 1 << 62) + whole[8:]):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match=r"tiny\.safetensors"):
            load_model(str(path))


def test_model_files_with_numbers_that_are_none(own_models: Path) -> None:
    path = tiny.write_tiny(own_models, "balanced-pioneer")
    data = path.read_bytes()
    path.write_bytes(data[:-4] + struct.pack("<f", float("nan")))
    with pytest.raises(ModelError, match="not finite"):
        load_model(str(path))


@pytest.mark.skipif(sys.platform == "win32", reason="memory is counted otherwise")
def test_a_lying_header_costs_no_memory(own_models: Path) -> None:
    """Networks are only built once their sizes are known to be those of the tensors."""
    import resource

    path = tiny.write_tiny(own_models, "automodulator")
    rewritten(path, lambda c: c.update(decoder_widths=[2048] * 5, encoder_widths=[2048] * 5))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError):
        load_model(str(path))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
