"""The command `vfi-flow`: parse, run one command, turn errors into a sentence and an exit code."""

import argparse
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import takewhile

from vfi_flow import __version__
from vfi_flow.cli.stderr import say
from vfi_flow.cli.stdout import printing
from vfi_flow.errors import NO_MORE_THREADS, ComponentError, OutOfMemoryError, UsageError, VfiFlowError

COMMANDS = ("interpolate", "probe", "scenes", "compare", "evaluate", "train", "export", "doctor")
"""Modules beside this one. `add_parser(subparsers)` of each sets `run` (Namespace -> exit code) as a default."""

INTERRUPTED = 130

GLUED = re.compile("-[fhirtx][a-z_:]")
"""An option of ffmpeg's that is none here: `-threads` would be read as `-t hreads`."""


class Parser(argparse.ArgumentParser):
    """Usage errors in the same form as all others: one sentence on stderr, exit code 2."""

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        """As argparse's, but of one command options may also stand before a last name that may be missing."""
        if self.lacks is not None:
            raise ComponentError(f"{self.prog} needs {self.lacks}; run: pip install {self.lacks}")
        if self._subparsers is not None or self._is_parsing:
            return super().parse_known_args(args, namespace)
        for word in takewhile(lambda word: word != "--", args or ()):
            if GLUED.match(word) and word.partition("=")[0] not in self._option_string_actions:
                self.error(f"unrecognized arguments: {word}")
        if args is not None and "--" in args:  # names come last
            return super().parse_known_args(args, namespace)
        self._is_parsing = True
        try:
            found, unknown = self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_parsing = False
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    _is_parsing = False
    lacks: str | None = None
    """The package without which a command cannot work and that is not installed."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(UsageError.exit_code, f"vfi-flow: {message}; see '{self.prog} --help'\n")


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="vfi-flow", description="Make the frames between the frames of a video.")
    parser.add_argument("--version", action="version", version=f"vfi-flow {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for name in COMMANDS:
        try:
            import_module(f"vfi_flow.cli.{name}").add_parser(subparsers)
        except ModuleNotFoundError as error:
            if error.name != "av":
                raise
            subparsers.add_parser(name, help="(needs PyAV)").lacks = error.name
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code of one command line; `argv` without the program's name, None for the process's own."""
    try:
        arguments = build_parser().parse_args(argv)
        arguments.is_process = argv is None
        with printing():
            return arguments.run(arguments)
    except VfiFlowError as error:
        say(str(error))
        return error.exit_code
    except MemoryError:
        say("not enough memory")
        return OutOfMemoryError.exit_code
    except RuntimeError as error:
        if str(error) != "can't start new thread":  # Python's words, which has no class for it
            raise
        say(NO_MORE_THREADS)
        return OutOfMemoryError.exit_code
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
