"""What all tests share: texts look the same everywhere, and no setting leaks in from outside."""

from __future__ import annotations

import os
import tempfile

# Read by typer and rich at import.
os.environ["TERMINAL_WIDTH"] = "80"
for variable in ("FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS"):
    os.environ.pop(variable, None)
for variable in [name for name in os.environ if name.startswith("FACEMOD_")]:
    del os.environ[variable]
# Nothing that tests learn of pictures ends up in the user's cache.
os.environ["FACEMOD_CACHE"] = tempfile.mkdtemp(prefix="facemod-fits-")
