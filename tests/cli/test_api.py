"""The Python API gives what the command line gives, byte for byte, whatever it is given."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import facemod
from facemod.errors import NoFaceError, OutputExistsError, UnlikeError, UsageError
from facemod.imaging.video import SUFFIXES


@pytest.fixture(autouse=True)
def fresh_models():
    """Each test has fakes of its own."""
    facemod.forget_models()
    yield
    facemod.forget_models()


WAYS = [
    ([], {}),
    (["--age", "to:+1"], {"age": "to:+1"}),
    (["--age", "like:b.png"], {"age": "like:b.png"}),
    (["--faces", "2"], {"faces": "2"}),
    (["--fidelity", "encode"], {"fidelity": "encode"}),
    (["--only", "mouth,eyes"], {"only": "mouth,eyes"}),
    (["--protect", "hair"], {"protect": "hair"}),
    (["--size", "256"], {"size": 256}),
    (["--no-mark"], {"mark": False}),
    (["--crop"], {"crop": True}),
    (["--compare"], {"compare": True}),
    (["--crop", "--compare"], {"crop": True, "compare": True}),
]


@pytest.mark.parametrize(("options", "words"), WAYS, ids=lambda value: str(value))
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_edit_writes_what_the_command_writes(run, photo, tmp_path, options, words, suffix):
    source = photo(f"a{suffix}", faces=2)
    photo("b.png", (150, 100, 120))
    ended = run("edit", source, "--smile", "+1.5", "-o", f"cli{suffix}", *options, "--json")
    assert ended.code == 0
    picture = facemod.edit(source, smile=1.5, **words)
    assert picture.save(f"api{suffix}").read_bytes() == (tmp_path / f"cli{suffix}").read_bytes()
    faces = ended.json["outcomes"][0]["faces"]
    assert [face.scores for face in picture.faces] == [face["scores"] for face in faces]


def test_a_mask_counts_as_on_the_command_line(run, photo, tmp_path):
    source = photo("a.png")
    mask = np.zeros((96, 96, 3), np.uint8)
    mask[40:] = 255
    Image.fromarray(mask).save("mask.png")
    run("edit", source, "--smile", "1", "--mask", "mask.png", "-o", "cli.png")
    for given in ("mask.png", mask, Image.open("mask.png")):
        assert (
            facemod.edit(source, smile=1, mask=given).encoded(".png")
            == (tmp_path / "cli.png").read_bytes()
        )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--coarse-from", "b.png"], {"coarse": "b.png"}),
        (["--mid-from", "b.png", "--fine-from", "c.png"], {"mid": "b.png", "fine": "c.png"}),
        (
            ["--coarse-from", "b.png", "--slots", "3-8=c.png", "--slots", "5=b.png"],
            {"coarse": "b.png", "slots": {"3-8": "c.png", "5": "b.png"}},
        ),
    ],
)
def test_mix_writes_what_the_command_writes(run, photo, tmp_path, options, words):
    photo("a.png"), photo("b.png", (200, 90, 80)), photo("c.png", (60, 160, 60))
    assert run("mix", "a.png", *options, "-o", "cli.png").code == 0
    assert facemod.mix("a.png", **words).encoded(".png") == (tmp_path / "cli.png").read_bytes()


def test_reconstruct_writes_what_the_command_writes(run, photo, tmp_path):
    source = photo("a.png")
    ended = run("reconstruct", source, "-o", "cli", "--json")
    picture = facemod.reconstruct(source)
    written = tmp_path / "cli/a.reconstruction.png"
    assert picture.encoded(".png") == written.read_bytes()
    assert picture.faces[0].scores == ended.json["outcomes"][0]["faces"][0]["scores"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_morph_writes_what_the_command_writes(run, photo, tmp_path, suffix):
    photo("a.png"), photo("b.png", (200, 90, 80))
    options = ("--seconds", "0.5", "--fps", "10", "--size", "512")
    assert run("morph", "a.png", "b.png", *options, "-o", f"cli{suffix}").code == 0
    film = facemod.morph(["a.png", "b.png"], seconds=0.5, fps=10)
    assert film.save(f"api{suffix}").read_bytes() == (tmp_path / f"cli{suffix}").read_bytes()
    assert len(film) == len(list(film.frames())) == 5


def test_images_and_arrays_are_photos_too(photo):
    source = photo("a.png")
    image = Image.open(source)
    expected = facemod.edit(source, smile=1)
    for given in (str(source), image, image.convert("RGBA"), np.asarray(image)):
        picture = facemod.edit(given, smile=1)
        assert np.array_equal(picture.pixels, expected.pixels)
        assert np.array_equal(np.asarray(picture.image), expected.pixels)


def test_presets_may_be_named_by_a_mapping(photo):
    source = photo("a.png")
    named = facemod.edit(source, {"smile": 1.5})
    assert np.array_equal(named.pixels, facemod.edit(source, smile=1.5).pixels)


def test_the_model_is_opened_once(photo, monkeypatch, use_model):
    source = photo("a.png")
    facemod.edit(source, smile=1)
    use_model(None)  # nobody asks for it again
    facemod.edit(source, smile=2)


def test_failures_are_errors(photo, tmp_path):
    source = photo("a.png")
    for words in ({}, {"grin": 1}, {"smile": 99}, {"smile": "much"}, {"smile": 1, "faces": "some"}):
        with pytest.raises(UsageError):
            facemod.edit(source, **words)
    with pytest.raises(NoFaceError):
        facemod.edit(photo("dark.png", faces=0), smile=1)
    with pytest.raises(UnlikeError):
        facemod.edit(source, smile=1, min_likeness=1.0).save("never.png")
    with pytest.raises(UsageError):
        facemod.mix(source)
    with pytest.raises(TypeError, match="smile"):
        facemod.mix(source, coarse=source, smile=1)
    picture = facemod.edit(source, smile=1)
    picture.save("out.png")
    with pytest.raises(OutputExistsError):
        picture.save("out.png")
    picture.save("out.png", overwrite=True)


def test_beyond_the_natural_range_it_takes_force_and_says_so(photo):
    picture = facemod.edit(photo("a.png"), smile=9, force=True)
    assert any("beyond its natural range" in note for note in picture.notes)
