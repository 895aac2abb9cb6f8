"""`vfi-flow scenes`: where a video's cuts are, as a list that can be reviewed, edited and obeyed."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from vfi_flow.cli.option_types import parse_threads
from vfi_flow.cli.options import add_part_options, read_source, window_from
from vfi_flow.cli.progress import CHOICES, progress_display
from vfi_flow.cli.stderr import say
from vfi_flow.cli.stdout import check_stdout
from vfi_flow.cli.stops import heard_by
from vfi_flow.files import check_free, write_complete
from vfi_flow.media.pipe import InputPipe
from vfi_flow.media.reader import VideoReader
from vfi_flow.media.scene_list import FoundCut, as_json, find_cuts, to_text
from vfi_flow.pipeline.output_files import names_of
from vfi_flow.pipeline.report import describe_input
from vfi_flow.pipeline.run import Progress
from vfi_flow.spelling import read_by

EXAMPLES = """examples:
  vfi-flow scenes in.mkv cuts.json                then delete or add lines
  vfi-flow interpolate in.mkv out.mkv --scenes cuts.json
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "scenes",
        usage="%(prog)s [options] INPUT [OUTPUT.json]",
        help="list the cuts of a video",
        description="List the cuts of a video as JSON, one line for each, for 'interpolate --scenes'.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="INPUT", help="a video file, pictures (%%06d.png), - for standard input")
    parser.add_argument("output", metavar="OUTPUT.json", nargs="?", type=Path, help="default: standard output")
    parser.add_argument("-i", action="store_true", help="may stand before INPUT, as in ffmpeg's command lines")
    add_part_options(parser.add_argument_group("time"))
    group = parser.add_argument_group("job")
    group.add_argument("--threads", type=read_by(parse_threads), metavar="N", help="CPU threads of the decoder")
    group.add_argument("--ignore-errors", action="store_true", help="read what a damaged file still holds")
    group.add_argument("-y", "--overwrite", action="store_true", help="replace the list if it exists")
    group.add_argument("--progress", choices=CHOICES, default="auto", help="auto: a bar on a terminal")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    source, output = read_source(arguments), arguments.output
    if output is None:
        check_stdout()
    else:
        check_free(output, "the list", {"the input itself": names_of(source)}, arguments.overwrite)
    window = window_from(arguments)
    with heard_by(source):
        with VideoReader(source, window, arguments.threads, arguments.ignore_errors) as reader:
            info = reader.info()
            reader.check_whole()
        with (
            progress_display(arguments.progress, info.path.name, info.frames) as show,
            VideoReader(source, window, arguments.threads, arguments.ignore_errors) as reader,
        ):
            frames, cuts = all_cuts(reader, info.frames, show)
        for warning in reader.warnings:
            say(warning)
    found = as_json(describe_input(info), window, frames, cuts)
    if output is None:
        sys.stdout.write(to_text(found, is_ascii=True))  # a console may have any encoding
        return 0
    write_complete(output, to_text(found).encode("utf-8", "backslashreplace"))  # a file's name may be no text
    return 0


def all_cuts(reader: VideoReader, planned: int | None, show: Callable[[Progress], None]) -> tuple[int, list[FoundCut]]:
    """How many frames there are, and the cuts between them."""
    count, cuts = 0, []
    if isinstance(reader.path, InputPipe):
        reader.path.forget()
    for frame, cut in find_cuts(reader.frames(), reader.window.start):
        count += 1
        if cut is not None:
            cuts.append(cut)
        show(Progress(count, planned, frame.seconds))
    return count, cuts
