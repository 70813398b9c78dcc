"""``facemod evaluate``."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture
def faces(photo, workplace):
    """A folder with two faces and a picture without one."""
    for name in ("25_1_2_x.png", "70_0_1_y.png"):
        photo(f"faces/{name}", faces=1)
    photo("faces/dark.png", faces=0)
    return "faces"


def test_a_table_for_people(run, faces):
    ended = run("evaluate", faces)
    assert ended.code == 0
    assert ended.out.splitlines()[0].split() == ["measure", "mean", "from", "to", "unit"]
    assert "psnr" in ended.out
    assert "2 faces measured, 1 photos left out" in ended.err
    assert "dark.png: no face" in ended.err


def test_json_for_machines(run, faces):
    data = run("evaluate", "bundled", faces, "--groups", "utk", "--json").json["data"]
    assert data["faces"] == 2
    assert data["means"]["psnr"] > 5
    assert [photo["name"] for photo in data["photos"]] == ["25_1_2_x.png", "70_0_1_y.png"]
    kinds = {(group["kind"], group["value"]) for group in data["groups"]}
    assert {("sex", "female"), ("race", "Black"), ("age", "65+")} <= kinds
    assert data["problems"] == ["dark.png: no face"]


def test_a_sheet_and_a_card_that_replace_nothing(run, faces, pixels, workplace):
    words = ("evaluate", faces, "-o", "sheet.png", "--card", "card.md", "--groups", "utk")
    assert run(*words).code == 0
    assert pixels("sheet.png").shape == (256, 4 * 256 + 3 * 4, 3)
    card = (workplace / "card.md").read_text()
    assert "| measure | mean | from | to | unit |" in card
    assert "| sex: female | 1 |" in card
    again = run(*words)
    assert again.code == 6
    assert "sheet.png exists already" in again.err
    assert run(*words, "--overwrite", "--limit", 1).code == 0
    assert pixels("sheet.png").shape == (256, 2 * 256 + 4, 3)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nope", "faces"), 2, "nope"),
        (("a", "b", "faces"), 2, "expected a model and one folder"),
        (("missing",), 3, "neither a folder nor a zip file"),
        (("faces", "-o", "sheet.xyz"), 6, "cannot write .xyz"),
        (("faces", "--groups", "missing.csv"), 3, "--groups missing.csv"),
    ],
)
def test_what_cannot_be_done_is_said(run, faces, words, code, said):
    ended = run("evaluate", *words)
    assert (ended.code, said in ended.err) == (code, True)


def test_groups_that_fit_no_photo(run, photo):
    photo("faces/anna.png")
    assert "no photo has a group" in run("evaluate", "faces", "--groups", "utk").err


def test_random_pictures_are_measured_with_a_network_that_is_given(run, faces, workplace):
    network = torch.jit.trace(torch.nn.AdaptiveAvgPool2d(1), torch.zeros(1, 3, 16, 16))
    network.save(str(workplace / "mean.pt"))
    words = ("evaluate", faces, "--features", "mean.pt", "--features-size", 16, "--samples", 3)
    model = run(*words, "--json").json["data"]["model"]
    assert model["pictures"]["random"]["number"] == 3
    assert model["path length"]["all"]["mean"] > 0
    assert "feature distance" in run(*words).out


@pytest.fixture
def networks(workplace):
    """TorchScript files of the mean colour of a picture, and of how far two pictures are apart."""

    class Colour(torch.nn.Module):
        def forward(self, x):
            return x.mean((2, 3))

    class Apart(torch.nn.Module):
        def forward(self, a, b):
            return (a - b).square().mean((1, 2, 3))

    example = torch.zeros(1, 3, 32, 32)
    torch.jit.trace(Colour(), example).save(str(workplace / "colour.pt"))
    torch.jit.trace(Apart(), (example, example)).save(str(workplace / "apart.pt"))
    return ("--features", "colour.pt", "--features-size", 32, "--perceptual", "apart.pt")


def test_measured_as_published(run, faces, networks, workplace):
    words = ("evaluate", faces, "--as-published", *networks, "--samples", 3, "--card", "card.md")
    ended = run(*words, "--json")
    assert ended.code == 0
    rows = ended.json["data"]["as_published"]
    assert rows.keys() == {"FID", "LPIPS", "PPL"}
    assert rows["FID"]["pictures"] == 3
    assert "| as published | value | pictures |" in (workplace / "card.md").read_text()
    refused = run("evaluate", faces, "--as-published", *networks, "--groups", "utk")
    assert refused.code == 2
    assert "--as-published goes without" in refused.err
    none = run("evaluate", faces, "--as-published", "--samples", 3)
    assert none.code == 2
    assert "--features or --perceptual" in none.err
