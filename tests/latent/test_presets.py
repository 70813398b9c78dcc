import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from facemod.errors import ModelError, UsageError
from facemod.files.folders import presets_folder
from facemod.latent import presets
from facemod.latent.presets import find_presets, get_preset, read_preset

SLOTS, DIM = 16, 512
FACTS = {
    "name": "toy",
    "meaning": "more of it",
    "panel": "Face",
    "range": [-2, 2],
    "slots": [3, 6],
    "family": "wavelet",
    "guards": ["age"],
    "effects": {"smile": 1.0},
    "source": "made up",
}


def toy_direction(seed=0):
    direction = torch.zeros(SLOTS, DIM)
    direction[3:7] = torch.randn(4, DIM, generator=torch.Generator().manual_seed(seed))
    return direction


def write_preset(folder, direction=None, metadata=None, tensor="direction", level=None, **facts):
    facts = {**FACTS, **facts}
    direction = toy_direction() if direction is None else direction
    header = {"facemod.format": "1", "config": json.dumps(facts)}
    path = folder / f"{facts['name']}.safetensors"
    tensors = {tensor: direction.half()} | ({} if level is None else {"level": level.half()})
    save_file(tensors, path, metadata=header | (metadata or {}))
    return path


@pytest.fixture
def user_folder(tmp_path, monkeypatch):
    """An empty user folder, and no bundled presets."""
    monkeypatch.setenv("FACEMOD_PRESETS_DIR", str(tmp_path))
    monkeypatch.setattr(presets, "preset_folders", lambda: [presets_folder()])
    return tmp_path


def test_facts_and_direction_survive_the_file(user_folder):
    path = write_preset(user_folder)
    found, problems = find_presets()
    assert problems == []
    preset = found["toy"]
    assert (preset.range, preset.slots, preset.guards) == ((-2.0, 2.0), (3, 6), ("age",))
    assert preset.effects == {"smile": 1.0}
    assert preset.path == path
    assert preset.direction().dtype == torch.float32
    torch.testing.assert_close(preset.direction(), toy_direction().half().float())


def test_a_region_is_read_and_may_be_missing(tmp_path):
    assert read_preset(write_preset(tmp_path)).region == ()
    boxes = [[0, 0.5, 1, 1], [0.25, 0, 0.5, 0.25]]
    assert read_preset(write_preset(tmp_path, region=boxes)).region == tuple(map(tuple, boxes))


def test_presets_are_sorted_by_name(user_folder):
    for name in ("smile", "age", "hair-gray"):
        write_preset(user_folder, name=name)
    assert list(find_presets()[0]) == ["age", "hair-gray", "smile"]


def test_finding_presets_does_not_import_torch():
    code = (
        "import sys; from facemod.latent.presets import find_presets; found, _ = find_presets();"
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def truncate(path):
    path.write_bytes(path.read_bytes()[:-10])


def cut_in_header(path):
    path.write_bytes(path.read_bytes()[:100])


def claim_huge_header(path):
    path.write_bytes(struct.pack("<Q", 1 << 60) + path.read_bytes()[8:])


def replace_by_text(path):
    path.write_text("not a preset at all, only words")


def rename(path):
    path.rename(path.with_stem("other"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (truncate, "truncated"),
        (cut_in_header, "safetensors"),
        (claim_huge_header, "header claims"),
        (replace_by_text, "header claims|safetensors"),
        (rename, "name must be that of the file"),
    ],
)
def test_damaged_files_are_reported_and_the_others_stay(user_folder, damage, words):
    damage(write_preset(user_folder))
    write_preset(user_folder, name="healthy")
    found, problems = find_presets()
    assert list(found) == ["healthy"]
    assert len(problems) == 1
    with pytest.raises(ModelError, match=words):
        raise ModelError(problems[0])


@pytest.mark.parametrize(
    "facts",
    [
        {"range": [1, 2]},
        {"range": [0, 0]},
        {"range": [float("-inf"), 1]},
        {"range": [-1]},
        {"slots": [6, 3]},
        {"slots": ["a", "b"]},
        {"effects": {"smile": "much"}},
        {"effects": None},
        {"name": "Not A Name"},
        {"name": "no--name"},
        {"level_centre": "high"},
        {"evidence": {"success": "often"}},
        {"region": [[0.2, 0.5, 0.1, 0.9]]},
        {"region": [[0, 0, 1, 1.5]]},
        {"region": [[0, 0, 1]]},
    ],
)
def test_facts_that_make_no_sense_are_refused(tmp_path, facts):
    with pytest.raises(ModelError):
        read_preset(write_preset(tmp_path, **facts))


def test_a_level_is_read_and_may_be_missing(tmp_path):
    level = toy_direction(1)
    path = write_preset(tmp_path, level=level, level_centre=0.25, evidence={"success": 0.9})
    preset = read_preset(path)
    assert (preset.level_centre, preset.evidence) == (0.25, {"success": 0.9})
    torch.testing.assert_close(preset.level(), level.half().float())
    bare = read_preset(write_preset(tmp_path))
    assert (bare.level_centre, bare.evidence) == (None, {})
    with pytest.raises(ModelError, match="no tensor level"):
        bare.level()


def test_a_missing_fact_is_refused(tmp_path):
    facts = {key: value for key, value in FACTS.items() if key != "source"}
    path = write_preset(tmp_path, metadata={"config": json.dumps(facts)})
    with pytest.raises(ModelError, match="source"):
        read_preset(path)


def test_another_format_is_refused(tmp_path):
    with pytest.raises(ModelError, match="another version"):
        read_preset(write_preset(tmp_path, metadata={"facemod.format": "2"}))


def with_value(value, slot=4):
    direction = toy_direction()
    direction[slot, 0] = value
    return direction


@pytest.mark.parametrize(
    ("direction", "words"),
    [
        (with_value(float("nan")), "not finite"),
        (with_value(float("inf")), "not finite"),
        (with_value(1.0, slot=7), "outside of 3-6"),
        (with_value(1.0, slot=2), "outside of 3-6"),
        (torch.zeros(4, DIM), "exceed"),
        (torch.zeros(SLOTS * DIM), "slots x dim"),
    ],
)
def test_wrong_directions_are_refused(tmp_path, direction, words):
    preset = read_preset(write_preset(tmp_path, direction))
    with pytest.raises(ModelError, match=words):
        preset.direction()


def test_a_file_without_a_direction_is_refused(tmp_path):
    with pytest.raises(ModelError, match="not a facemod preset"):
        read_preset(write_preset(tmp_path, tensor="something"))


def test_names_of_two_folders_do_not_replace_each_other(tmp_path):
    folders = [tmp_path / "bundled", tmp_path / "mine"]
    for folder in folders:
        folder.mkdir()
        write_preset(folder, meaning=folder.name)
    found, problems = find_presets(folders)
    assert found["toy"].meaning == "bundled"
    assert len(problems) == 1
    assert str(folders[1]) in problems[0]


def test_unknown_names_get_a_suggestion(user_folder):
    write_preset(user_folder, name="smile")
    with pytest.raises(UsageError, match="did you mean smile"):
        get_preset("smiel")
    with pytest.raises(UsageError, match="presets list"):
        get_preset("qqqq")


BUNDLED = sorted((Path(presets.__file__).parents[2] / "presets").glob("*.safetensors"))
FIRST_SET = {
    "smile", "mouth-open", "eyes-open", "brows-raise", "age", "gender", "glasses", "beard",
    "hair-black", "hair-blond", "yaw", "pitch",
}  # fmt: skip


def test_the_first_set_is_bundled():
    assert {path.stem for path in BUNDLED} >= FIRST_SET


@pytest.mark.parametrize("path", BUNDLED, ids=lambda path: path.stem)
def test_bundled_presets_keep_their_word(path):
    preset = read_preset(path)
    direction = preset.direction()
    assert direction.shape == (SLOTS, DIM)
    assert direction.any()
    assert preset.panel in presets.PANELS
    assert "\n" not in preset.meaning
    assert len(preset.meaning) <= 70
