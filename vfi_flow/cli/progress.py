"""Progress of a job on stderr: a bar for people, JSON lines for programs, or nothing."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from vfi_flow.cli.stderr import console, write_line
from vfi_flow.pipeline.run import Progress

CHOICES = ("auto", "bar", "json", "none")
FOR_PEOPLE = ("auto", "bar")
"""Those with a line before the work and one after it."""
JSON_INTERVAL_SECONDS = 0.5


class Show(Protocol):
    def __call__(self, progress: Progress) -> None: ...


@contextmanager
def progress_display(choice: str, name: str, planned: int | None) -> Iterator[Show]:
    """What shows the progress of the job `name`; "auto" is a bar on a terminal and nothing elsewhere."""
    if wants_bar(choice):
        with bar(name, planned) as show:
            yield show
    elif choice == "json":
        with json_lines(name, planned) as show:
            yield show
    else:
        yield lambda progress: None


def wants_bar(choice: str) -> bool:
    return choice == "bar" or (choice == "auto" and sys.stderr is not None and sys.stderr.isatty())


def write_event(event: str, name: str, **fields: object) -> None:
    """One line of JSON on stderr about the job of that name."""
    write_line(json.dumps({"v": 1, "event": event, "file": name, **fields}))


@contextmanager
def bar(name: str, planned: int | None) -> Iterator[Show]:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),  # a name of a file may have [brackets]
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.1f} frames/s"),
        TimeRemainingColumn(),
    )
    started = time.perf_counter()
    with Bar(*columns, console=console()) as display:
        task = display.add_task(name, total=planned, rate=0.0)

        def show(progress: Progress) -> None:
            rate = (progress.frames - progress.resumed) / max(time.perf_counter() - started, 1e-9)
            display.update(task, completed=progress.frames, total=total_of(progress), rate=rate)

        yield show
        display.update(task, total=display.tasks[0].completed)  # the plan was an estimate


def total_of(progress: Progress) -> int | None:
    return None if progress.planned is None else max(progress.planned, progress.frames)


@contextmanager
def json_lines(name: str, planned: int | None) -> Iterator[Show]:
    """Events `start`, `progress` (at most two a second) and `done`, one object a line."""
    started, last_line, last = time.perf_counter(), float("-inf"), Progress.none(planned)

    def counts(progress: Progress, total: int | None) -> dict[str, object]:
        elapsed = time.perf_counter() - started
        rate = (progress.frames - progress.resumed) / elapsed if elapsed > 0 else 0.0
        rest = None if total is None else total - progress.frames
        return {
            "frame": progress.frames,
            "frames": total,
            "fps": round(rate, 3),
            "eta_s": round(rest / rate, 1) if rate and rest is not None else None,
            "out_time_us": round(progress.seconds * 1_000_000),
        }

    def show(progress: Progress) -> None:
        nonlocal last_line, last
        last = progress
        if time.perf_counter() - last_line >= JSON_INTERVAL_SECONDS:
            last_line = time.perf_counter()
            write_event("progress", name, **counts(progress, total_of(progress)))

    write_event("start", name, frames=planned)
    yield show
    write_event("done", name, **counts(last, last.frames))
