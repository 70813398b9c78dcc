"""What all tests share: fakes can be imported, and help texts look the same everywhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

# Read by typer and rich at import.
os.environ["TERMINAL_WIDTH"] = "80"
for variable in ("FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS"):
    os.environ.pop(variable, None)
for variable in [name for name in os.environ if name.startswith("FACEMOD_")]:
    del os.environ[variable]
