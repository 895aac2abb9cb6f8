"""Damaged files: how they are made from good ones, and a process that works on them and may be lost.

Run as a script it reads jobs from standard input, one JSON object a line, and answers each with another one.
"""

import json
import random
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, Queue

TIMEOUT_SECONDS = 60.0
"""For a job that takes a twentieth of a second on an idle machine; the first one imports the package."""

DAMAGES = ("flip", "cut", "repeat", "drop")

LENGTHS = (1, 1, 4, 30, 200, 1500)


def damaged(data: bytes, damage: str, seed: str) -> bytes:
    """`data` with bytes flipped, repeated or dropped in one to three places, or cut off; always different from it."""
    rng, result = random.Random(f"{damage} {seed}"), data
    if damage == "cut":
        return data[: rng.randrange(1, len(data))]
    while result == data:
        for _ in range(rng.choice((1, 1, 3))):
            place = rng.randrange(len(result))
            length = min(rng.choice((*LENGTHS, len(data) // 6)), len(result) - place)
            part = result[place : place + length]
            if damage == "flip":
                flips = rng.choice((1, 1, 8, 64))
                changed = bytes(byte ^ rng.randrange(1, 256) for byte in part[:flips])
                result = result[:place] + changed + result[place + len(changed) :]
            else:
                result = result[:place] + (part * 2 if damage == "repeat" else b"") + result[place + length :]
    return result


@dataclass(frozen=True)
class Work:
    source: str
    output: str
    ignore_errors: bool = False


@dataclass(frozen=True)
class Outcome:
    frames: int = 0
    planned: int | None = None
    warnings: tuple[str, ...] = ()
    refusal: str = ""
    """The sentence of a VfiFlowError."""
    crash: str = ""
    """Any other end."""


class Lost(Exception):
    """The process died or did not answer in time."""


class Worker:
    """Another process that does jobs; `do` raises Lost where it hangs or dies."""

    def __init__(self) -> None:
        command = [sys.executable, "-u", __file__]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._answers: Queue[str] = Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def do(self, work: Work) -> Outcome:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(work)) + "\n")
        self._process.stdin.flush()
        try:
            answer = self._answers.get(timeout=TIMEOUT_SECONDS)
        except Empty:
            raise Lost(f"no answer within {TIMEOUT_SECONDS:g} s") from None
        if not answer:
            raise Lost(f"the process died with {self._process.wait()}")
        return Outcome(**{**(fields := json.loads(answer)), "warnings": tuple(fields["warnings"])})

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def serve() -> None:
    sys.path.insert(0, str(Path(__file__).parent))
    from blending import Blend

    from vfi_flow.errors import VfiFlowError
    from vfi_flow.media.encoder import EncoderOptions
    from vfi_flow.media.images import ImageSequence, is_pattern
    from vfi_flow.pipeline.plan import Job, make_plan
    from vfi_flow.pipeline.run import run

    for line in sys.stdin:
        work = Work(**json.loads(line))
        source = Path(work.source)
        job = Job(
            ImageSequence(source) if is_pattern(source) else source,
            Path(work.output),
            encoder=EncoderOptions(codec="ffv1"),
            overwrite=True,
            bridge_repeats=False,
            ignore_errors=work.ignore_errors,
        )
        try:
            plan = make_plan(job)
            report = run(plan, Blend())
            outcome = Outcome(sum(report.frames.values()), plan.frames, tuple(report.warnings))
        except VfiFlowError as error:
            outcome = Outcome(refusal=str(error))
        except Exception as error:
            outcome = Outcome(crash=f"{type(error).__name__}: {error}")
        print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    serve()
