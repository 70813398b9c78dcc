"""What may become a preset of the user's own, and what happens to files of presets."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from facemod.errors import ModelError, OutputExistsError, UsageError
from facemod.files.folders import presets_folder
from facemod.latent import preset_files, presets
from facemod.latent.preset_files import (
    check_name,
    export_preset,
    import_preset,
    remove_preset,
    rename_preset,
)
from facemod.latent.presets import CodeSpace, get_preset, read_preset
from facemod.weights.files import save_weights

SPACE = CodeSpace("wavelet", 16, 512)
RESERVED = {"crop"}


def write(folder: Path, name: str = "wink", file: str = "", **changes: object) -> Path:
    direction = torch.zeros(16, 512)
    direction[3:7] = 0.5
    facts = {
        "name": name, "meaning": "wink", "panel": "Own", "range": [-2, 2], "slots": [3, 6],
        "family": "wavelet", "guards": [], "effects": {}, "source": "made up",
        "level_centre": 0.0,
    }  # fmt: skip
    tensors = {"direction": direction, "level": direction}
    tensors |= {key: changes.pop(key) for key in ("direction", "level") if key in changes}
    path = folder / f"{file or name}.safetensors"
    save_weights(path, tensors, facts | changes)
    return path


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The folder that came with facemod, which holds ``smile``, and the user's own."""
    bundled, own = tmp_path / "bundled", tmp_path / "own"
    bundled.mkdir()
    write(bundled, "smile")
    monkeypatch.setenv("FACEMOD_PRESETS_DIR", str(own))
    monkeypatch.setattr(presets, "preset_folders", lambda: [bundled, presets_folder()])
    return bundled, own


@pytest.mark.parametrize("name", ["Wink", "my wink", "1wink", "../wink", "", "wink-", "w--k"])
def test_names_that_no_preset_has(folders, name):
    with pytest.raises(UsageError, match="cannot be a preset's name"):
        check_name(name, RESERVED)


def test_names_that_are_taken(folders):
    with pytest.raises(UsageError, match="--crop is an option"):
        check_name("crop", RESERVED)
    with pytest.raises(UsageError, match="smile already"):
        check_name("smile", RESERVED)


def test_import_renames_the_file_and_what_is_in_it(folders, tmp_path):
    path = import_preset(write(tmp_path, file="wink (1)"), "blink", RESERVED, SPACE)
    assert path == folders[1] / "blink.safetensors"
    preset = get_preset("blink")
    assert (preset.name, preset.meaning, preset.slots) == ("blink", "wink", (3, 6))
    assert torch.equal(preset.direction(), read_preset(write(tmp_path)).direction())
    assert torch.equal(preset.level(), preset.direction())


def test_import_refuses_a_taken_name(folders, tmp_path):
    with pytest.raises(UsageError, match="smile already"):
        import_preset(write(tmp_path, "smile"), None, RESERVED, SPACE)
    with pytest.raises(UsageError, match="option"):
        import_preset(write(tmp_path, "crop"), None, RESERVED, SPACE)


def filled(value: float, *shape: int) -> torch.Tensor:
    tensor = torch.zeros(shape)
    tensor[3:7] = value
    return tensor


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"family": "pioneer"}, "made for pioneer"),
        ({"direction": filled(1, 8, 512)}, "has 8 x 512 numbers, the model 16 x 512"),
        ({"direction": filled(1, 16, 256)}, "has 16 x 256"),
        ({"direction": filled(math.nan, 16, 512)}, "not finite"),
        ({"level": filled(math.inf, 16, 512)}, "not finite"),
        ({"level": filled(1, 16, 64)}, "level has 16 x 64"),
        ({"direction": torch.zeros(16, 512)}, "would do nothing"),
        ({"slots": [3, 5]}, "outside of 3-5"),
        ({"range": [2, -2]}, "make no sense"),
    ],
)
def test_import_refuses_what_does_not_fit(folders, tmp_path, changes, words):
    with pytest.raises(ModelError, match=words):
        import_preset(write(tmp_path, **changes), None, RESERVED, SPACE)
    assert not folders[1].exists()


def test_rename_moves_the_preset(folders):
    old = write(folders[1])
    new = rename_preset("wink", "blink", RESERVED)
    assert not old.exists()
    assert read_preset(new).name == "blink"
    with pytest.raises(UsageError, match="no preset is called wink"):
        get_preset("wink")


def test_rename_to_a_taken_name_leaves_all_as_it_was(folders):
    path = write(folders[1])
    with pytest.raises(UsageError, match="already"):
        rename_preset("wink", "smile", RESERVED)
    assert read_preset(path).name == "wink"


def test_remove_deletes_the_file(folders):
    path = write(folders[1])
    assert remove_preset("wink") == path
    assert not path.exists()


def test_what_came_with_facemod_stays(folders):
    for change in (lambda: remove_preset("smile"), lambda: rename_preset("smile", "grin", set())):
        with pytest.raises(UsageError, match="came with facemod"):
            change()
    assert get_preset("smile")


def test_export_copies_every_byte(folders, tmp_path):
    target = export_preset("smile", tmp_path / "out", overwrite=False)
    assert target == tmp_path / "out" / "smile.safetensors"
    assert target.read_bytes() == (folders[0] / "smile.safetensors").read_bytes()
    with pytest.raises(OutputExistsError):
        export_preset("smile", target, overwrite=False)
    assert export_preset("smile", target, overwrite=True) == target
    renamed = export_preset("smile", tmp_path / "grin.safetensors", overwrite=False)
    assert renamed.read_bytes() == target.read_bytes()


def test_what_was_exported_can_be_imported_elsewhere(folders, tmp_path):
    target = export_preset("smile", tmp_path, overwrite=False)
    assert import_preset(target, "grin", RESERVED, SPACE).exists()


def test_the_space_is_that_of_the_bundled_presets():
    bundled = Path(presets.__file__).parents[2] / "presets"
    for path in bundled.glob("*.safetensors"):
        preset_files.check_preset(path, SPACE)
