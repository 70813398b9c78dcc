"""Peak memory of the engine over folders of different sizes, with a fake model.

    PYTHONPATH=.:tests python -m faults.memory 200 2000

Each folder is edited by the whole command line in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from faults.kills import make_photos, start


def peak(count: int) -> float:
    """Peak resident memory in MB of a run over ``count`` small photos."""
    with tempfile.TemporaryDirectory(prefix="facemod-memory-") as name:
        work = Path(name)
        make_photos(work / "photos", count)
        _, status, usage = os.wait4(start(work, jobs=4), 0)
        code = os.waitstatus_to_exitcode(status)
        assert code == 5, f"exit code {code}"  # some photos are rubbish
        shutil.rmtree(work / "out")
    return usage.ru_maxrss / 1e3


if __name__ == "__main__":
    for words in sys.argv[1:]:
        sys.stdout.write(f"{int(words):>6} photos: {peak(int(words)):.1f} MB\n")
        sys.stdout.flush()
