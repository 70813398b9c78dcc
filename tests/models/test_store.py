"""The user's own models: where they lie, what is known of them, and deltas as presets."""

from __future__ import annotations

from pathlib import Path

import published
import pytest
import tiny
import torch

from facemod.errors import ModelError, OutputExistsError, UsageError
from facemod.files.folders import models_folder, presets_folder
from facemod.latent.presets import get_preset
from facemod.models import store
from facemod.models.importing import deltas
from facemod.models.importing.convert import default_name, import_file
from facemod.models.names import model_names
from facemod.models.registry import load_model


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEMOD_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("FACEMOD_PRESETS_DIR", str(tmp_path / "presets"))
    return tmp_path


def checkpoint_file(folder: Path, name: str = "7_state.pth", **settings: object) -> Path:
    torch.save(published.checkpoint("automodulator", **settings), folder / name)
    return folder / name


def test_importing_makes_a_model_and_a_record(own_folders):
    facts = import_file(checkpoint_file(own_folders), "mine").facts
    assert (facts["family"], facts["resolution"], facts["images_seen"]) == (
        "automodulator", 32, 42_420_000,
    )  # fmt: skip
    model = store.stored_model("mine")
    assert model_names() == ["bundled", "mine"]
    assert model.record()["origin"]["file"] == "7_state.pth"
    assert store.check_unchanged(model) == "unchanged"
    assert load_model("mine").info.source == "published checkpoint 7_state.pth"


def test_importing_twice_needs_a_word(own_folders):
    file = checkpoint_file(own_folders)
    import_file(file, "mine")
    with pytest.raises(OutputExistsError, match="--overwrite replaces it"):
        import_file(file, "mine")
    import_file(file, "mine", overwrite=True)


def test_a_model_file_becomes_a_model_by_name(own_folders):
    file = tiny.write_tiny(own_folders, "automodulator", "model")
    assert import_file(file, "mine").facts["family"] == "automodulator"
    assert store.stored_model("mine").path.read_bytes() == file.read_bytes()
    assert store.check_unchanged(store.stored_model("mine")) == "unchanged"
    with pytest.raises(OutputExistsError):
        import_file(file, "mine")
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        import_file(file, "other")
    assert model_names() == ["bundled", "mine"]


def test_a_level_that_was_fading_in_is_mentioned(own_folders):
    content = published.checkpoint("automodulator") | {"alpha": 0.25}
    torch.save(content, own_folders / "x.pth")
    assert "fading in (25%)" in import_file(own_folders / "x.pth").notes[0]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("42420000_state.pth", "ffhq512"),
        ("31877148_state.pth", "celebahq256"),
        ("025480000_state", "025480000-state"),
        ("My Model (2).pth", "my-model-2"),
    ],
)
def test_names_by_default(file, name):
    assert default_name(Path(file)) == name


@pytest.mark.parametrize("name", ["bundled", "../x", "a/b", "A", "", "-a", "a..b", "a b"])
def test_names_that_cannot_be(own_folders, name):
    with pytest.raises(UsageError, match="lower case"):
        store.place_for(name)


def test_a_model_that_was_changed_is_noticed(own_folders):
    import_file(checkpoint_file(own_folders), "mine")
    model = store.stored_model("mine")
    other = tiny.write_tiny(own_folders, "automodulator", "other")
    model.path.write_bytes(other.read_bytes())
    with pytest.raises(ModelError, match="has changed since it was installed"):
        store.check_unchanged(model)


def test_files_put_there_by_hand_are_models_too(own_folders):
    tiny.write_tiny(models_folder(), "pioneer", "byhand")
    tiny.write_tiny(models_folder(), "pioneer", "No Name")
    assert model_names() == ["bundled", "byhand"]
    assert "no record" in store.check_unchanged(store.stored_model("byhand"))


def test_removing(own_folders):
    import_file(checkpoint_file(own_folders), "mine")
    store.remove(store.stored_model("mine"))
    assert list(models_folder().iterdir()) == []
    with pytest.raises(UsageError, match="no model of yours is called mine; there are none yet"):
        store.stored_model("mine")


@pytest.mark.parametrize("text", ["{", "[1]", "\xff"])
def test_a_damaged_record(own_folders, text):
    import_file(checkpoint_file(own_folders), "mine")
    store.stored_model("mine").record_path.write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match=r"mine\.json"):
        store.check_unchanged(store.stored_model("mine"))


@pytest.fixture(params=[(512,), (1, 512)], ids=str)
def delta_file(request, own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A delta in the older file format, its tensor tagged for a GPU as in the published ones."""
    path = own_folders / "smile_delta512-16"
    tensor = torch.arange(512, dtype=torch.float32).reshape(request.param) / 1000
    with monkeypatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
        torch.save(tensor, path, _use_new_zipfile_serialization=False)
    assert b"cuda:0" in path.read_bytes()
    known = deltas.DELTAS["f824a06bd3b7fd46"]
    monkeypatch.setattr(deltas, "DELTAS", {store.sha256_of(path)[:16]: known})
    return path


def test_a_published_delta_is_a_preset_of_its_model(delta_file):
    imported = import_file(delta_file)
    preset = get_preset("smile-ffhq512")
    assert (preset.family, preset.model, preset.slots) == ("automodulator", "ffhq512", (2, 4))
    assert preset.path == presets_folder() / "smile-ffhq512.safetensors"
    direction = preset.direction()
    assert direction.shape == (8, 512)
    expected = torch.arange(512, dtype=torch.float32) / 1000
    assert all(torch.equal(direction[slot], expected) for slot in (2, 3, 4))
    assert not direction[[0, 1, 5, 6, 7]].any()
    assert "--model ffhq512 --smile-ffhq512" in imported.notes[0]


def test_a_delta_may_be_a_row_as_it_was_published(own_folders, monkeypatch):
    path = own_folders / "smile_delta512-16"
    torch.save(torch.arange(512.0)[None] / 1000, path)
    known = deltas.DELTAS["f824a06bd3b7fd46"]
    monkeypatch.setattr(deltas, "DELTAS", {store.sha256_of(path)[:16]: known})
    import_file(path)
    assert torch.equal(get_preset("smile-ffhq512").direction()[3], torch.arange(512.0) / 1000)


def test_a_delta_moves_the_middle_blocks_and_leaves_the_sphere(delta_file):
    from facemod.latent.codes import Codes
    from facemod.latent.presets import CodeSpace
    from facemod.latent.strengths import Strength, preset_edit

    import_file(delta_file)
    styles = torch.nn.functional.normalize(torch.randn(1, 8, 512), dim=2)
    codes = Codes(styles, "automodulator", tuple(4 << i for i in range(8)), geometry="sphere")
    space = CodeSpace("automodulator", 8, 512, "ffhq512")
    move = preset_edit({"smile-ffhq512": Strength(0.5)}, space)
    moved = move(codes).styles
    assert torch.equal(moved[:, [0, 1, 5, 6, 7]], styles[:, [0, 1, 5, 6, 7]])
    assert torch.allclose(moved[:, 3], styles[:, 3] + torch.arange(512) / 2000)
    assert (moved[:, 3].norm(dim=1) - 1).abs() > 0.1


def test_deltas_of_unknown_models_are_refused(delta_file, monkeypatch):
    known = deltas.DELTAS
    monkeypatch.setattr(deltas, "DELTAS", {})
    with pytest.raises(ModelError, match="not a published delta that is known"):
        import_file(delta_file)
    monkeypatch.setattr(deltas, "EARLIER", set(known))
    with pytest.raises(ModelError, match="never published"):
        import_file(delta_file)
    assert not presets_folder().exists()
