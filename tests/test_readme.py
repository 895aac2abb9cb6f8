"""What README.md and the pages beside it say is true: commands parse, the example runs, links lead somewhere."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import av
import pytest

from vfi_flow import errors
from vfi_flow.cli.main import INTERRUPTED, build_parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
OPTIONS = (ROOT / "docs" / "interpolate.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


def blocks(language: str) -> list[str]:
    """Contents of the fenced code blocks in `language`."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README + CONTRIBUTING, flags=re.MULTILINE | re.DOTALL)


def shell_commands() -> list[list[str]]:
    """Every command of the shell blocks in words; `a && b` are two."""
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]
    return [shlex.split(part, comments=True) for line in lines for part in line.split(" && ")]


def table(header: str) -> list[list[str]]:
    """Cells of the rows of the table whose first column is called `header`."""
    [rows] = re.findall(rf"^\| {header} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", OPTIONS, flags=re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()]


def subcommands() -> dict:
    [choices] = [action.choices for action in build_parser()._actions if isinstance(action.choices, dict)]
    return choices


COMMANDS = [words for words in shell_commands() if words[0] == "vfi-flow"]


@pytest.mark.parametrize("words", COMMANDS, ids=[" ".join(words) for words in COMMANDS])
def test_every_command_line_is_understood(words):
    assert callable(build_parser().parse_args(words[1:]).run)


def test_every_command_that_is_named_exists():
    named = set(re.findall(r"vfi-flow ([a-z]+)", README + OPTIONS + CONTRIBUTING))

    assert {"interpolate", "doctor", "evaluate", "train"} <= named
    assert named <= set(subcommands())


def test_the_table_has_every_option():
    named = {name for row in table("option") for name in re.findall(r"`(-[^ `]+)", row[0])}
    actions = [action.option_strings for action in subcommands()["interpolate"]._actions if action.option_strings]

    assert named <= {name for names in actions for name in names}
    assert [names for names in actions if named.isdisjoint(names)] == [["-h", "--help"], ["-i"], ["-n"]]


def test_the_table_of_exit_codes_is_complete():
    found = (kind for kind in vars(errors).values() if isinstance(kind, type))
    kinds = [kind for kind in found if issubclass(kind, errors.VfiFlowError)]

    assert {int(row[0]) for row in table("exit code")} == {0, INTERRUPTED, *(kind.exit_code for kind in kinds)}


def links() -> list[tuple[str, str]]:
    pages = {"README.md": README, "CONTRIBUTING.md": CONTRIBUTING, "docs/interpolate.md": OPTIONS}
    return [(page, link) for page, text in pages.items() for link in set(re.findall(r"\]\(([^)#]+)[^)]*\)", text))]


@pytest.mark.parametrize(("page", "target"), sorted(links()))
def test_links_to_files_lead_somewhere(page, target):
    assert target.startswith("https://") or ((ROOT / page).parent / target).exists()


@pytest.mark.parametrize("then", ["vfi-flow interpolate", "pytest"])
def test_there_is_one_install_command_for_each_purpose_and_it_pins_the_versions(then):
    """.ci/run takes these lines out of README.md and runs them."""
    [line] = [line for line in README.splitlines() if line.startswith("pip install ") and f" && {then}" in line]
    words = shlex.split(line.split(" && ")[0])
    [extras] = [re.fullmatch(r"\.\[(.+)\]", word)[1].split(",") for word in words if word.startswith(".")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert set(extras) <= set(project["optional-dependencies"])
    assert words[words.index("-c") + 1] == "constraints.txt"


def test_the_main_command_takes_a_video_that_is_in_the_repository():
    [source] = {word for word in COMMANDS[0] if word.startswith("samples/")}

    with av.open(str(ROOT / source)) as container:
        assert len(container.streams.video) == 1 and len(container.streams.audio) == 1
        assert f"instead of {container.streams.video[0].frames}" in README


def test_the_python_example_makes_a_frame(trained_model, tmp_path):
    [example] = blocks("python")
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    subprocess.run([sys.executable, "-c", example], cwd=tmp_path, check=True)

    with av.open(str(tmp_path / "middle.png")) as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height) == (640, 360)


def test_the_sample_clip_is_drawn(tmp_path):
    [words] = [words for words in shell_commands() if words[:2] == ["python", "samples/make_clips.py"]]
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    subprocess.run([sys.executable, *words[1:]], cwd=tmp_path, check=True)

    with av.open(str(tmp_path / words[3])) as container:
        assert sum(1 for _ in container.decode(video=0)) == 24
