"""How long ONNX files take and how much memory: by device, layout, precision and size, beside files of others.

    python -m vfi_flow.export.bench base.3in_1.onnx base.3in_1.fp16.onnx --size 640x360 1280x720 --device cpu openvino
    python -m vfi_flow.export.bench vfi_flow/model/weights/base.compose_1.onnx --against rife.onnx --json speed.json

Every case (file, device, size) runs in a process of its own, so that its memory can be told. Those of one size take
turns, frame by frame: a machine that is busy for a while is busy for all of them. The first frame does not count.
Layouts are told by the inputs: native, 3in, 7ch, 11ch, u8; of `split` name the file `NAME.synthesise_STEPS.onnx`, of
`stream` `NAME.compose_STEPS.onnx`: a frame then is what it costs in a stream, in which the one before is known.
`--factor N` makes N - 1 frames of every pair, as a video of N times the rate needs; times are those of one of them.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from types import TracebackType
from typing import Any

import vfi_flow
from vfi_flow.errors import UsageError, VfiFlowError
from vfi_flow.files import check_free, write_complete
from vfi_flow.inference.providers import parse_device
from vfi_flow.spelling import parse_count, parse_size, read_by

WORKER = Path(__file__).with_name("bench_worker.py")
CLOSING_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Case:
    file: Path
    device: str
    width: int
    height: int
    threads: int
    new: int
    """Frames that are made of a pair."""
    label: str | None = None
    """Stands for the file in the table; None: its name without the folder."""


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one case; `error` alone where it could not run."""

    file: str
    device: str
    width: int
    height: int
    layout: str = "-"
    precision: str = "-"
    steps: str = "-"
    milliseconds: float | None = None
    """Median of the wall clock."""
    cpu_milliseconds: float | None = None
    """Median of the process's time on the CPU, all threads."""
    peak_mib: float | None = None
    error: str | None = None


class Worker:
    """A process that makes the new frames of a pair whenever it is told to."""

    def __init__(self, case: Case) -> None:
        self.case = case
        words = [str(case.file), case.device, *map(str, (case.width, case.height, case.threads, case.new))]
        path = os.pathsep.join(filter(None, [str(Path(vfi_flow.__file__).parents[1]), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.about = self._answer()
        self.error: str | None = self.about.get("error")
        self.times: list[dict[str, float]] = []

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate(timeout=CLOSING_SECONDS)

    def run(self) -> None:
        """Makes them and notes the times of one; after a failure it does nothing."""
        if self.error is None:
            answer = self._ask("run")
            self.error = answer.get("error")
            if self.error is None:
                self.times.append(answer)

    def row(self) -> Row:
        place = self.case.label or self.case.file.name, self.case.device, self.case.width, self.case.height
        peak = self._ask("peak") if self.error is None else {}
        error = self.error or peak.get("error")
        if error is not None:
            return Row(*place, error=error)
        return Row(
            *place,
            self.about["layout"],
            self.about["precision"],
            self.about["steps"],
            self._median("milliseconds"),
            self._median("cpu_milliseconds"),
            round(peak["peak_mib"], 1),
        )

    def _median(self, name: str) -> float:
        return round(statistics.median(each[name] for each in self.times), 2)

    def _ask(self, command: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{command}\n")
            self._process.stdin.flush()
        except OSError:
            pass  # what became of it is told below
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        code = self._process.wait(CLOSING_SECONDS)
        return {"error": f"{self.case.file.name}: its process ended with {code} (out of memory, perhaps)"}


def measure(cases: Iterable[Case], rounds: int) -> Iterator[Row]:
    """A row for every case; all of one size are open at once and take turns."""
    cases = list(cases)
    for size in dict.fromkeys((case.width, case.height) for case in cases):
        with ExitStack() as stack:
            workers = [stack.enter_context(Worker(case)) for case in cases if (case.width, case.height) == size]
            for _ in range(rounds):
                for worker in workers:
                    worker.run()
            yield from [worker.row() for worker in workers]


def table(rows: Iterable[Row]) -> Iterator[str]:
    """Lines of a table; the last column is the time in that of the first row of the same size."""
    yield (
        f"{'file':32} {'device':9} {'layout':6} {'steps':>5} {'prec.':5} {'size':>9} "
        f"{'ms':>8} {'CPU ms':>8} {'peak MiB':>8} {'ratio':>6}"
    )
    first: dict[tuple[int, int], float] = {}
    for row in rows:
        place = f"{row.file:32} {row.device:9} {row.layout:6} {row.steps:>5} {row.precision:5}"
        size = f"{row.width}x{row.height}"
        if row.milliseconds is None or row.cpu_milliseconds is None:
            yield f"{place} {size:>9} failed: {row.error}"
            continue
        ratio = row.milliseconds / first.setdefault((row.width, row.height), row.milliseconds)
        yield f"{place} {size:>9} {row.milliseconds:8.1f} {row.cpu_milliseconds:8.1f} {row.peak_mib:8.0f} {ratio:6.2f}"


def read_arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m vfi_flow.export.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.onnx")
    parser.add_argument("--against", nargs="+", default=[], type=Path, metavar="FILE.onnx", help="files of others")
    parser.add_argument("--device", nargs="+", default=["cpu"], metavar="NAME", help="as of interpolate (default cpu)")
    parser.add_argument(
        "--size", nargs="+", default=[(640, 360)], type=read_by(parse_size), metavar="WxH", help="default 640x360"
    )
    parser.add_argument(
        "--rounds", type=read_by(parse_count), default=5, metavar="N", help="pairs of every case (default 5)"
    )
    parser.add_argument(
        "--factor",
        type=read_by(partial(parse_count, least=2)),
        default=2,
        metavar="N",
        help="new frames of a pair, and one (default 2)",
    )
    parser.add_argument("--threads", type=read_by(parse_count), default=1, metavar="N", help="of the CPU (default 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    arguments = read_arguments(words)
    files = [*arguments.files, *arguments.against]
    try:
        for file in files:
            if not file.is_file():
                raise UsageError(f"{file}: no such file")
        if arguments.json is not None:
            check_free(arguments.json, "the rows", {"one of the models": files}, overwrite=True)
        for device in arguments.device:
            parse_device(device)
        named = Counter(file.name for file in files)
        labels = {file: file.name if named[file.name] == 1 else str(file) for file in files}
        cases = (
            Case(file, device, width, height, arguments.threads, arguments.factor - 1, labels[file])
            for (width, height), file, device in product(arguments.size, files, arguments.device)
        )
        rows: list[Row] = []
        for line in table(noted(measure(cases, arguments.rounds), rows)):
            print(line, flush=True)
        if arguments.json is not None:
            write_complete(arguments.json, (json.dumps([asdict(row) for row in rows], indent=2) + "\n").encode())
    except VfiFlowError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    return 1 if any(row.error for row in rows) else 0


def noted(rows: Iterable[Row], seen: list[Row]) -> Iterator[Row]:
    for row in rows:
        seen.append(row)
        yield row


if __name__ == "__main__":
    sys.exit(main())
