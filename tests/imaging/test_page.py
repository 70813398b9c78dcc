"""The page of sliders, as text and in a real browser where there is one."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facemod.imaging.page import Slider, page_of

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
STRENGTHS = [-1.0, 0, 1.5]
COLOURS = [[(200, 0, 0), (0, 200, 0), (0, 0, 200)], [(90, 0, 90), (90, 90, 0), (0, 90, 90)]]
in_a_browser = pytest.mark.skipif(
    BROWSER is None, reason="no chromium on this machine (Debian: apt install chromium)"
)


def flat(colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((32, 32, 3), colour, np.uint8)


def slider(name: str, panel: str = "Face", meaning: str = "more") -> Slider:
    pictures = [[flat(colour) for colour in face] for face in COLOURS]
    return Slider(name, meaning, panel, STRENGTHS, pictures)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "gallery.html"
    tricky = "</script><b>bold</b> & \"quoted\" 'so'"
    path.write_text(
        page_of([slider("smile", meaning=tricky), slider("hat", "Accessories")], "<Nobody>")
    )
    return path


def browse(page: Path, *words: str, fragment: str = "") -> str:
    """What headless chromium says about the page."""
    profile = page.parent / "profile"
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        f"--user-data-dir={profile}", "--virtual-time-budget=2000", *words,
        page.as_uri() + fragment,
    ]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def test_the_page_needs_nothing_else(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"""(src|href)=["']?(https?:)?//|@import|fetch\(""", text)
    assert text.count("<script") == text.count("</script>") == 2


def test_every_picture_is_in_it(page: Path) -> None:
    data = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.S)[1])
    assert data["faces"] == 2
    assert [preset["name"] for preset in data["presets"]] == ["smile", "hat"]
    assert {len(face) for preset in data["presets"] for face in preset["pictures"]} == {3}


@in_a_browser
def test_sliders_begin_at_the_unedited_face(page: Path) -> None:
    dom = browse(page, "--dump-dom")
    assert re.findall(r'<img[^>]*alt="(\w+ [+\w.-]+)"', dom) == ["smile 0", "hat 0"]
    assert re.findall(r"<h2>(\w+)</h2>", dom) == ["Face", "Accessories"]
    assert dom.count('type="radio"') == 2


@in_a_browser
def test_words_are_shown_and_not_run(page: Path) -> None:
    dom = browse(page, "--dump-dom")
    assert "<b>bold</b>" not in dom
    assert "</script><b>bold" in html.unescape(re.search(r"<small>(.*?)</small>", dom)[1])


@in_a_browser
def test_a_link_moves_the_slider_and_the_picture(page: Path) -> None:
    dom = browse(page, "--dump-dom", fragment="#smile=+1.5")
    assert re.findall(r'<img[^>]*data-strength="([\d.]+)"', dom) == ["1.5", "0"]
    assert "<output>+1.5</output>" in dom


@in_a_browser
def test_the_picture_is_really_drawn(page: Path) -> None:
    shot = page.parent / "shot.png"
    browse(page, f"--screenshot={shot}", "--window-size=700,700", fragment="#smile=-1")
    pixels = np.asarray(Image.open(shot).convert("RGB")).reshape(-1, 3).astype(int)
    for colour, least in (((200, 0, 0), 20_000), ((0, 0, 200), 0), ((0, 200, 0), 0)):
        drawn = int((np.abs(pixels - colour).max(1) < 12).sum())
        assert drawn >= least
    assert not (np.abs(pixels - (0, 0, 200)).max(1) < 12).any()
