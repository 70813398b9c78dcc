"""``facemod bench``: how fast this machine edits faces, and where the time goes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facemod.cli.options import MODEL_PANEL, Printing
from facemod.cli.result import Result, Table
from facemod.errors import OutputExistsError, UsageError
from facemod.tensors.devices import find_device

if TYPE_CHECKING:
    from facemod.bench.records import Record

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
Save = Annotated[
    Path | None,
    typer.Option(
        "--save", help="Keep the figures in this file (JSON), for --against.", dir_okay=False
    ),
]
Against = Annotated[
    Path | None,
    typer.Option(
        "--against",
        help="Show the figures beside those kept in this file; says so when they are of another "
        "machine or other settings.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file of --save.")]
Device = Annotated[
    str,
    typer.Option(
        envvar="FACEMOD_DEVICE", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=MODEL_PANEL
    ),
]


NOT_ALIKE = "the kept figures are of other conditions, so the ratios say little of facemod itself"


def bench(
    printing: Printing,
    size: Size = 1024,
    repeats: Repeats = 5,
    threads: Threads = 0,
    compare: Compare = False,
    processor_time: ProcessorTime = False,
    save: Save = None,
    against: Against = None,
    overwrite: Overwrite = False,
    device: Device = "auto",
) -> Result:
    """Time every stage of editing one face, beside what this machine could do at best."""
    import torch

    from facemod.bench import records
    from facemod.tensors.memory import keep_freed_memory

    then = None if against is None else records.load(against)
    if save is not None and save.exists() and not overwrite:
        raise OutputExistsError(f"{save} exists already; --overwrite replaces it")
    keep_freed_memory()  # as every run does
    if threads:
        torch.set_num_threads(threads)
    name, _ = find_device(device)
    data = measured(name, size, repeats, processor_time=processor_time, compare=compare)
    now = records.Record(
        records.conditions(name, size, repeats, processor_time=processor_time),
        {stage: facts["seconds"] for stage, facts in data["stages"].items()},
        data["peak_memory_mb"],
    )
    if save is not None:
        records.save(now, save, overwrite=overwrite)
    result = Result("bench", data=data, table=stage_table(data))
    return result if then is None else beside(result, then, now)


def measured(
    device: str, size: int, repeats: int, *, processor_time: bool, compare: bool
) -> dict[str, Any]:
    """The figures of a torch device, with torch's current number of threads."""
    import torch

    from facemod.bench.rivals import compare as compared
    from facemod.bench.rivals import decoder_gmacs
    from facemod.bench.stages import time_stages
    from facemod.bench.timing import peak_memory, roofline
    from facemod.editing.editor import Editor
    from facemod.faces.detect import make_detector
    from facemod.models.wavelet.model import load

    now = time.process_time if processor_time else time.perf_counter
    model = load(device)
    if size not in model.info.sizes:
        known = ", ".join(map(str, model.info.sizes))
        raise UsageError(f"--size {size}: the model draws faces of {known} px")
    with tempfile.TemporaryDirectory() as folder:
        editor = Editor(model, make_detector("embedded", device)[0])
        stages = time_stages(editor, size, repeats, Path(folder), now)
    total = sum(stages.values())
    return {
        "device": device,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "size": size,
        "stages": {stage: {"seconds": s, "share": s / total} for stage, s in stages.items()},
        "images_per_second": 1 / total,
        "peak_memory_mb": peak_memory(),
        "decoder_gmacs": decoder_gmacs(model, size),
        "roofline": asdict(roofline(model.device, now)),
        "compared": [asdict(c) for c in compared(model, repeats, now)] if compare else [],
    }


def beside(result: Result, then: Record, now: Record) -> Result:
    """The result with a second table: what was kept, what was measured, and their ratio."""
    from facemod.bench.records import differences, ratios

    found = ratios(then, now)
    unlike = differences(then.conditions, now.conditions)
    data = {"facemod": then.facemod, "ratios": found, "differences": unlike}
    return replace(
        result,
        data={**result.data, "against": data},
        tables=(ratio_table(then, now, found),),
        warnings=(f"{NOT_ALIKE}: {'; '.join(unlike)}",) if unlike else (),
    )


def ratio_table(then: Record, now: Record, ratios: Mapping[str, float | None]) -> Table:
    """The ratios for people."""
    before = {**then.seconds, "all": then.whole}
    after = {**now.seconds, "all": now.whole}
    rows = [
        (
            stage,
            milliseconds(before[stage]) if stage in before else "",
            milliseconds(after[stage]),
            "new" if ratio is None else f"{ratio:.2f} x",
        )
        for stage, ratio in ratios.items()
    ]
    return Table(("", f"{then.facemod}, kept (ms)", f"{now.facemod}, now (ms)", ""), rows)


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
