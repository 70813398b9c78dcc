"""Every command: its panel in ``facemod --help``, and the function that it is.

Functions are named as ``module:function`` of :mod:`facemod.cli.commands`, so that a command line
imports no more than the command it calls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EDIT, INSIDE, TRAIN, ABOUT = "Edit photos", "Look inside", "Train", "About facemod"


@dataclass(frozen=True)
class Group:
    """Commands of two words."""

    text: str
    panel: str
    verbs: Mapping[str, str]
    """The second word of each, and its function."""


COMMANDS: Mapping[str, tuple[str, str]] = {
    "edit": (EDIT, "edit:edit"),
    "mix": (EDIT, "mix:mix"),
    "paint": (EDIT, "paint:paint"),
    "morph": (EDIT, "morph:morph"),
    "reconstruct": (INSIDE, "reconstruct:reconstruct"),
    "grid": (INSIDE, "grid:grid"),
    "sample": (INSIDE, "sample:sample"),
    "align": (INSIDE, "align:align"),
    "evaluate": (TRAIN, "evaluate:evaluate"),
    "help": (ABOUT, "helping:help"),
    "doctor": (ABOUT, "doctor:doctor"),
    "bench": (ABOUT, "bench:bench"),
}
GROUPS: Mapping[str, Group] = {
    "presets": Group(
        "The named edits, and how to make your own.",
        ABOUT,
        {
            "list": "presets:presets_list",
            "show": "presets:presets_show",
            "sheet": "preset_sheet:presets_sheet",
            "gallery": "preset_gallery:presets_gallery",
            "learn": "preset_learn:presets_learn",
            "rename": "preset_files:presets_rename",
            "remove": "preset_files:presets_remove",
            "export": "preset_files:presets_export",
            "import": "preset_files:presets_import",
        },
    ),
    "models": Group(
        "The models.",
        ABOUT,
        {
            "list": "models:models_list",
            "info": "models:models_info",
            "pull": "models:models_pull",
            "import": "models:models_import",
            "verify": "models:models_verify",
            "remove": "models:models_remove",
        },
    ),
    "cache": Group(
        "What was learnt of photos.",
        ABOUT,
        {"info": "cache:cache_info", "clear": "cache:cache_clear"},
    ),
    "train": Group(
        "Train your own weights.",
        TRAIN,
        {
            "model": "train_model:train_model",
            "prepare": "train:train_prepare",
            "preview": "train:train_preview",
            "encoder": "train:train_encoder",
            "corrector": "train:train_corrector",
            "details": "train:train_details",
            "heads": "train_parts:train_heads",
            "matting": "train_parts:train_matting",
            "likeness": "train_parts:train_likeness",
            "presets": "train_parts:train_presets",
            "published": "train_parts:train_published",
            "levels": "train_parts:train_levels",
            "leaks": "train_parts:train_leaks",
            "fidelity": "train_parts:train_fidelity",
        },
    ),
}
