"""``facemod presets``, ``models``, ``doctor``, and help."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from walking import walked

from facemod import __version__
from facemod.cli.app import app
from facemod.cli.commands import presets as presets_command
from facemod.errors import ModelError
from facemod.latent import presets
from facemod.latent.presets import get_preset

ROOT = Path(__file__).parents[2]
COMMANDS = [name for name, _ in walked(typer.main.get_command(app))]


class TestPresets:
    def test_list(self, run):
        ended = run("presets", "list")
        rows = [line.split() for line in ended.out.splitlines()]
        assert rows[0] == ["preset", "range", "model", "panel", "meaning"]
        assert rows[1] == ["age", "-2", "to", "+2", "bundled", "Face", "more", "age"]
        assert rows[2] == ["smile", "-3", "to", "+3", "bundled", "Expression", "more", "smile"]

    def test_list_for_machines(self, run):
        age, smile = run("presets", "list", "--json").json["data"]
        assert age["name"] == "age"
        assert smile["range"] == [-3, 3]
        assert smile["slots"] == [3, 8]
        assert smile["region"] == []
        assert smile["effects"] == {"smile": 1.0}

    def test_show(self, run):
        ended = run("presets", "show", "smile")
        assert re.search(r"slots +3 to 8", ended.out)
        assert re.search(r"shows on +the whole picture", ended.out)
        assert re.search(r"\+1 moves smile +\+1\.00 sd", ended.out)

    def test_show_tells_the_largest_side_effects_and_pads_nothing(self, run):
        effects = {f"effect-{i}": i / 10 for i in range(9)}
        preset = replace(get_preset("smile"), effects=effects)
        rows = [name for name, _ in presets_command.side_effects(preset, False)]
        assert rows == [f"effect-{i}" for i in (8, 7, 6, 5, 4)]
        assert len(presets_command.side_effects(preset, True)) == 9
        shown = run("presets", "show", "smile").out
        assert not any(line.endswith(" ") for line in shown.splitlines())
        assert re.search(r"model +bundled", shown)

    def test_show_an_unknown_one(self, run):
        ended = run("presets", "show", "smle", "--json")
        assert ended.code == 2
        assert ended.json["error"]["message"] == "no preset is called smle; did you mean smile?"

    def test_a_damaged_file_is_named_wherever_it_matters(self, run, tmp_path, monkeypatch):
        (tmp_path / "grin.safetensors").write_text("rubbish")
        folders = [*presets.preset_folders(), tmp_path]
        monkeypatch.setattr(presets, "preset_folders", lambda: folders)
        assert "grin.safetensors" in run("presets", "list", "-q").err
        assert "grin.safetensors" in run("edit", "a.png", "--grin", 1).err
        doctor = run("doctor", "--json")
        assert doctor.code == 7
        assert "grin.safetensors" in str(doctor.json["data"])

    def test_a_preset_that_is_called_like_an_option(self, run, tmp_path, monkeypatch, toy_presets):
        from facemod.cli.preset_options import strengths_group

        text = (toy_presets / "age.safetensors").read_bytes().replace(b'"age', b'"mix')
        (tmp_path / "mix.safetensors").write_bytes(text)
        (tmp_path / "crop.safetensors").write_bytes(text)
        found = presets.find_presets([toy_presets])[0]
        found["crop"] = found.pop("age")
        monkeypatch.setattr("facemod.cli.preset_options.find_presets", lambda: (found, []))
        monkeypatch.setattr("facemod.cli.commands.presets.find_presets", lambda: (found, []))
        assert "preset_crop" not in strengths_group().__dataclass_fields__
        assert "facemod edit --crop means something else" in run("presets", "list").err


class TestDoctor:
    def test_all_is_well(self, run):
        ended = run("doctor", "--json")
        assert ended.code == 0
        checks = {row["check"]: row for row in ended.json["data"]}
        assert {row["state"] for row in checks.values()} == {"ok"}
        assert checks["facemod"]["detail"].startswith(__version__)
        assert checks["aligner"]["detail"] == "the fake detector"
        assert checks["presets"]["detail"] == "2 installed"
        assert {"device", "model", "ffmpeg", "heic photos"} < set(checks)

    def test_a_missing_package_for_jpegs_is_told_and_is_no_problem(self, run, monkeypatch):
        monkeypatch.setitem(sys.modules, "jpeglib", None)
        ended = run("doctor")
        assert ended.code == 0
        assert re.search(r"jpeg blocks +ok +not copied", ended.out)

    @pytest.mark.parametrize("problem", [ModelError("the weight file is missing"), OSError("oh")])
    def test_a_problem_is_shown_beside_the_rest(self, run, monkeypatch, problem):
        def load_model(name):
            raise problem

        monkeypatch.setattr("facemod.models.registry.load_model", load_model)
        ended = run("doctor")
        assert ended.code == 7
        assert re.search(rf"model +problem.*{problem}", ended.out)
        assert "problems with: model" in ended.err
        assert "the fake detector" in ended.out


class TestHelp:
    @pytest.mark.parametrize("command", ["", "presets", "models", "cache", "train", *COMMANDS])
    @pytest.mark.parametrize("flag", ["-h", "--help"])
    def test_everything_has_help(self, run, command, flag):
        ended = run(*command.split(), flag)
        assert ended.code == 0
        assert f"Usage: facemod {command}".rstrip() in ended.out
        assert ended.err == ""

    def test_commands_stand_in_panels(self, run):
        text = run("--help").out
        positions = [
            text.index(f" {word} ")
            for word in ("Edit photos", "edit", "Look inside", "sample", "About facemod", "models")
        ]
        assert positions == sorted(positions)

    def test_presets_are_options_with_meaning_and_range(self, run):
        text = run("edit", "--help").out
        assert re.search(r"Presets: Expression.*--smile +STRENGTH +more smile +\(-3 to \+3\)",
                         text, re.DOTALL)  # fmt: skip
        assert "Presets: Face" in text

    def test_no_arguments_show_help(self, run):
        ended = run()
        assert ended.code == 2
        assert "Usage: facemod" in ended.out + ended.err

    def test_version(self, run):
        assert run("--version").out == f"facemod {__version__}\n"


class TestCompletion:
    def test_presets_are_completed(self, run, monkeypatch):
        monkeypatch.setenv("_FACEMOD_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "facemod edit --sm")
        monkeypatch.setenv("COMP_CWORD", "2")
        assert run().out.split() == ["--smile"]

    def test_the_script_is_shown(self, run, monkeypatch):
        monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "/bin/bash"))
        ended = run("--show-completion")
        assert ended.code == 0
        assert "_FACEMOD_COMPLETE=complete_bash" in ended.out


def python(*words: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, in the folder of the project."""
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["edit", "--help"],
        ["presets", "list", "--quiet"],
        ["edit", "missing.jpg", "--smile", "9"],
        ["edit", "missing.jpg", "--smile", "1", "--json"],
        ["help", "nonsense", "--json"],
    ],
)
def test_looking_around_is_cheap(words):
    """Judged by what is imported, and by processor time."""
    probe = (
        "import resource, sys, facemod.cli.app as app\n"
        f"sys.argv = ['facemod', *{words}]\n"
        "try: app.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'PIL', 'safetensors', 'rich.progress', 'facemod.training.data',"
        " 'facemod.editing.corridor'} & set(sys.modules)\n"
        "print(heavy or 'light', resource.getrusage(resource.RUSAGE_SELF).ru_utime,"
        " file=sys.stderr)\n"
    )
    *_, imported, seconds = python("-c", probe).stderr.split()
    assert imported == "light"
    # About 0.2 s; generous, because a busy machine inflates processor time as well.
    assert float(seconds) < 1.0


def test_python_m_facemod():
    ended = python("-m", "facemod", "--version")
    assert (ended.returncode, ended.stdout) == (0, f"facemod {__version__}\n")
