"""Photos as they come: every kind of file, and folders with traps in them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def edit(run):
    """Run ``facemod edit --smile 1 --json`` on something."""
    return lambda *words: run("edit", *words, "--smile", 1, "--json")


def statuses(ended) -> dict[str, str]:
    return {outcome["input"]: outcome["status"] for outcome in ended.json["outcomes"]}


def test_every_kind_of_picture(edit, photo, workplace):
    picture = Image.open(workplace / photo("in/a.png"))
    grey = np.asarray(picture.convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save("in/16-bit.tif")
    picture.convert("CMYK").save("in/cmyk.jpg")
    picture.convert("L").save("in/grey.jpg")
    picture.convert("P").save("in/palette.png")
    picture.save("in/moving.gif", save_all=True, append_images=[picture.rotate(90)])
    ended = edit("in")
    assert set(statuses(ended).values()) == {"done"}
    for words in ("16-bit reduced", "CMYK", "only the first of 2 pictures"):
        assert words in ended.err


def test_heic(edit, photo, workplace):
    heif = pytest.importorskip("pillow_heif", reason="pip install facemod[heif]")
    picture = Image.open(workplace / photo("in/IMG_1.jpg"))
    heif.from_pillow(picture).save("in/IMG_1.heic")
    ended = edit("in", "-o", "out")
    assert {o["output"] for o in ended.json["outcomes"]} == {"out/IMG_1.jpg", "out/IMG_1.heic.jpg"}
    assert set(statuses(ended).values()) == {"done"}


def test_forty_megapixels(edit, workplace):
    Image.new("RGB", (7300, 5500), (90, 120, 150)).save("large.jpg")
    assert statuses(edit("large.jpg")) == {"large.jpg": "done"}


def test_thirty_faces(edit, photo):
    ended = edit(photo("class.png", faces=30), "--batch-size", 4)
    assert len(ended.json["outcomes"][0]["faces"]) == 30


def test_links_that_lead_in_circles(edit, photo, workplace):
    photo("in/a.png"), photo("in/sub/b.png")
    (workplace / "in/sub/up").symlink_to(workplace / "in")
    (workplace / "in/self.png").symlink_to("self.png")
    ended = edit("in", "-r", "-o", "out")
    assert statuses(ended) == {
        "in/a.png": "done", "in/self.png": "failed", "in/sub/b.png": "done"
    }  # fmt: skip


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_folders_that_may_not_be_used(edit, photo, workplace):
    photo("in/a.png"), photo("in/secret/b.png")
    (workplace / "in/secret").chmod(0)
    (workplace / "sealed").mkdir(mode=0o555)
    ended = edit("in", "-r", "-o", "out")
    assert statuses(ended) == {"in/a.png": "done", "in/secret": "failed"}
    assert edit("in/a.png", "-o", "sealed").code == 6
    (workplace / "in/secret").chmod(0o755)


def test_a_pipe_is_no_photo(edit, photo, workplace):
    photo("in/a.png")
    os.mkfifo(workplace / "in/pipe.png")
    assert statuses(edit("in")) == {"in/a.png": "done", "in/pipe.png": "failed"}


def test_names_that_would_play_tricks_on_a_terminal(run, photo, workplace):
    name = "a\x1b[2Jb\nc.png"
    (workplace / photo("a.png")).rename(workplace / name)
    ended = run("edit", Path(name), "--smile", 1)
    assert ended.code == 0
    assert "\x1b" not in ended.err
    assert r"a\x1b[2Jb\nc.png" in ended.err
