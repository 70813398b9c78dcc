"""End to end against the bare model loop: the same faces, already cut out and in memory.

    PYTHONPATH=.:tests python -m faults.throughput examples/portrait-*.jpg --copies 50

Both are timed in processor seconds and on the clock; on a machine that others use at the same
time only the former mean anything.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import facemod
from facemod.editing.editor import open_editor
from facemod.editing.results import ResultKind
from facemod.editing.treatments import Retouch
from facemod.fidelity.ladder import Fidelity
from facemod.jobs.journal import Log, new_run
from facemod.jobs.plan import Job
from facemod.jobs.spec import Spec
from facemod.jobs.worker import Worker
from facemod.latent.strengths import parse_strength, preset_edit
from facemod.tensors.devices import cores
from facemod.tensors.memory import keep_freed_memory


def timed(name: str, work: Callable[[], int]) -> tuple[float, float]:
    """Processor and clock seconds a photo."""
    processor, clock = time.process_time(), time.perf_counter()
    count = work()
    each = (time.process_time() - processor) / count, (time.perf_counter() - clock) / count
    sys.stdout.write(f"{name:12} {each[0]:.3f} processor s, {each[1]:.3f} s a photo ({count})\n")
    sys.stdout.flush()
    return each


def main(photos: list[Path], copies: int, device: str, batch_size: int) -> None:
    """Time both, one after the other, after a warm-up."""
    keep_freed_memory()
    open_here = partial(open_editor, model="bundled", aligner="embedded")
    editor = open_here(device)
    info = editor.model.info
    move = preset_edit({"smile": parse_strength("+1")}, info.space)
    mark = facemod.Mark("composite", "edit smile=+1", "facemod")
    treatment = Retouch(move, Fidelity.TRANSFER, ResultKind.PHOTO, mark)
    opened = [facemod.open_photo(path) for path in photos]
    crops = [crop for photo in opened for crop in editor.cut_out(photo, "largest")] * copies

    def bare() -> int:
        for start in range(0, len(crops), batch_size):
            treatment.faces(editor, crops[start : start + batch_size])
        return len(crops)

    def end_to_end() -> int:
        with tempfile.TemporaryDirectory(prefix="facemod-throughput-") as name:
            folder = Path(name)
            jobs = []
            for i in range(len(crops)):
                source = folder / f"in{i:05}.jpg"
                shutil.copy(photos[i % len(photos)], source)
                jobs.append(Job(source, (folder / f"out/{i:05}.jpg",)))
            log = Log(folder / "out", new_run(), "")
            spec = Spec(treatment, open_here, device, "largest", batch_size=batch_size,
                        threads=min(8, cores()), log=log,
                        loops=4 if device == "cpu" else 1)  # fmt: skip
            return sum(outcome.status == "done" for outcome in Worker(spec, editor)(jobs))

    treatment.faces(editor, crops[:batch_size])
    loops = [timed("bare model", bare), timed("end to end", end_to_end)]
    shares = [loop / whole for loop, whole in zip(*loops, strict=True)]
    sys.stdout.write(f"end to end is {shares[0]:.0%} (processor), {shares[1]:.0%} (clock)\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--copies", type=int, default=50)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=1)
    options = parser.parse_args()
    main(options.photos, options.copies, options.device, options.batch_size)
