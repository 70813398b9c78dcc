"""``facemod bench``: how fast this machine edits faces, and where the time goes."""

from __future__ import annotations

import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from facemod.cli.options import MODEL_PANEL, Printing
from facemod.cli.result import Result, Table
from facemod.errors import UsageError
from facemod.tensors.devices import find_device

Size = Annotated[int, typer.Option("--size", help="Side of the face in px: 256, 512 or 1024.")]
Repeats = Annotated[int, typer.Option("--repeats", min=1, help="Rounds; medians are shown.")]
Threads = Annotated[
    int, typer.Option("--threads", min=0, help="Threads of torch; 0 leaves it the choice.")
]
Compare = Annotated[
    bool,
    typer.Option(
        "--compare",
        help="Also time plain PyTorch, OpenVINO (if installed) and networks laid out like the "
        "published automodulator's, in turns.",
    ),
]
ProcessorTime = Annotated[
    bool,
    typer.Option(
        "--processor-time",
        help="Count the processor's time instead of the clock's: for --threads 1 on a machine "
        "that others use.",
    ),
]
Device = Annotated[
    str,
    typer.Option(
        envvar="FACEMOD_DEVICE", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=MODEL_PANEL
    ),
]


def bench(
    printing: Printing,
    size: Size = 1024,
    repeats: Repeats = 5,
    threads: Threads = 0,
    compare: Compare = False,
    processor_time: ProcessorTime = False,
    device: Device = "auto",
) -> Result:
    """Time every stage of editing one face, beside what this machine could do at best."""
    import torch

    from facemod.bench.rivals import compare as compared
    from facemod.bench.rivals import decoder_gmacs
    from facemod.bench.stages import time_stages
    from facemod.bench.timing import peak_memory, roofline
    from facemod.editing.editor import Editor
    from facemod.faces.detect import make_detector
    from facemod.models.wavelet.model import load
    from facemod.tensors.memory import keep_freed_memory

    keep_freed_memory()  # as every run does
    if threads:
        torch.set_num_threads(threads)
    now = time.process_time if processor_time else time.perf_counter
    name, _ = find_device(device)
    model = load(name)
    if size not in model.info.sizes:
        known = ", ".join(map(str, model.info.sizes))
        raise UsageError(f"--size {size}: the model draws faces of {known} px")
    with tempfile.TemporaryDirectory() as folder:
        editor = Editor(model, make_detector("embedded", name)[0])
        stages = time_stages(editor, size, repeats, Path(folder), now)
    total = sum(stages.values())
    memory = peak_memory()
    best = roofline(model.device, now)
    gmacs = decoder_gmacs(model, size)
    data: dict[str, Any] = {
        "device": name,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "size": size,
        "stages": {stage: {"seconds": s, "share": s / total} for stage, s in stages.items()},
        "images_per_second": 1 / total,
        "peak_memory_mb": memory,
        "decoder_gmacs": gmacs,
        "roofline": asdict(best),
        "compared": [asdict(c) for c in compared(model, repeats, now)] if compare else [],
    }
    return Result("bench", data=data, table=stage_table(data))


def stage_table(data: dict[str, Any]) -> Table:
    """The figures for people: stages, the whole, the machine's best, the others."""
    best, stages = data["roofline"], data["stages"]
    total = sum(stage["seconds"] for stage in stages.values())
    rows = [
        (stage, milliseconds(facts["seconds"]), f"{facts['share']:.0%}", "")
        for stage, facts in stages.items()
    ]
    # Editing decodes twice: the face as it was, and edited.
    rate = 2 * data["decoder_gmacs"] / stages["decode"]["seconds"]
    rows += [
        ("all", milliseconds(total), "100%", f"{data['images_per_second']:.2f} img/s"),
        ("", "", "", ""),
        ("decoder", "", "", f"{data['decoder_gmacs']:.1f} GMAC, {rate:.0f} GMAC/s"),
        ("largest matmul", "", "", f"{best['matmul_gmacs']:.0f} GMAC/s"),
        ("largest copy", "", "", f"{best['copy_gbytes']:.1f} GB/s"),
        ("peak memory", "", "", f"{data['peak_memory_mb']:.0f} MB"),
    ]
    for comparison in data["compared"]:
        ours, *_ = comparison["seconds"].values()
        rows.append(("", "", "", ""))
        rows += [
            (f"{comparison['task']}: {who}", milliseconds(s), "", f"{s / ours:.2f} x facemod")
            for who, s in comparison["seconds"].items()
        ]
    head = f"{data['size']} px, {data['device']}, {data['threads']} threads"
    return Table((head, "ms", "share", ""), rows)


def milliseconds(seconds: float) -> str:
    """Seconds as people read them in a column."""
    return f"{1000 * seconds:.1f}"
