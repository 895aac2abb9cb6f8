"""A result that is complete is not lost, whatever other programs do to the files around it."""

import os
import re
from pathlib import Path

import pytest
from blending import Blend
from clips import moving_square, video_times, write_clip

from vfi_flow.errors import OutputError
from vfi_flow.media.images import ImageSequence
from vfi_flow.pipeline import output_files
from vfi_flow.pipeline.output_files import unfinished
from vfi_flow.pipeline.plan import Job, make_plan
from vfi_flow.pipeline.run import run


@pytest.fixture
def held(monkeypatch):
    """Files that another program has open, each with how often it is found so; as on Windows, nothing replaces them."""
    found: dict[Path, float] = {}

    def replace(source, target):
        if found.get(Path(target), 0) > 0:
            found[Path(target)] -= 1
            raise PermissionError(13, "Permission denied", str(target))
        honest(source, target)

    honest = os.replace
    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(output_files, "PATIENCE_SECONDS", 0.3)
    return found


def left_in(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_a_result_whose_name_is_held_for_ever_stays_complete_beside_it(tmp_path, held):
    source, output = write_clip(tmp_path / "in.mkv", moving_square(4)), tmp_path / "out.mkv"
    output.write_bytes(b"old")
    held[output] = float("inf")

    with pytest.raises(OutputError) as caught:
        run(make_plan(Job(source, output, overwrite=True)), Blend())

    partial = tmp_path / "out.partial.mkv"
    said = f"the result is complete in {partial}; {output} cannot be replaced (Permission denied)"
    assert str(caught.value) == said and not hasattr(caught.value, "__notes__")
    assert len(video_times(partial)) == 8 and output.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mkv", "out.mkv", "out.partial.mkv"]


def test_a_name_that_is_held_for_a_moment_is_waited_for(tmp_path, held):
    output = tmp_path / "out.mkv"
    output.write_text("old")
    held[output] = 2

    with unfinished(output, overwrite=True) as partial:
        partial.write_text("new")

    assert left_in(tmp_path) == {"out.mkv": "new"}


def test_pictures_that_cannot_get_their_names_stay_and_their_first_number_is_said(tmp_path, held):
    output = ImageSequence(tmp_path / "%d.png")
    for number in (1, 2, 3):
        output.path(number).write_text("old")
    held[output.path(2)] = float("inf")

    sentence = f"the result is complete, from number 2 on in {tmp_path / '%d.partial.png'}; {tmp_path / '2.png'} cannot"
    with pytest.raises(OutputError, match=re.escape(sentence)), unfinished(output, overwrite=True) as partial:
        for number in (1, 2, 3):
            partial.path(number).write_text("new")

    new = {"1.png": "new", "2.partial.png": "new", "3.partial.png": "new"}
    assert left_in(tmp_path) == {**new, "2.png": "old", "3.png": "old"}


def test_what_cannot_be_removed_hides_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "unlink", denied)

    with pytest.raises(ZeroDivisionError), unfinished(tmp_path / "out.mkv", overwrite=False) as partial:
        partial.write_text("half")
        raise ZeroDivisionError


def test_a_job_whose_parts_cannot_be_removed_has_its_result(tmp_path, monkeypatch):
    source, output = write_clip(tmp_path / "in.mkv", moving_square(4)), tmp_path / "out.mkv"
    plan = make_plan(Job(source, output))
    assert plan.chunks is not None
    monkeypatch.setattr(Path, "unlink", denied)

    run(plan, Blend())

    assert len(video_times(output)) == 8


def test_pictures_of_a_killed_job_that_cannot_be_removed_do_not_get_into_the_result(tmp_path, monkeypatch):
    (tmp_path / "9.partial.png").touch()
    monkeypatch.setattr(Path, "unlink", denied)

    with (
        pytest.raises(OutputError, match=r"9\.partial\.png: cannot be removed \(Permission denied\)"),
        unfinished(ImageSequence(tmp_path / "%d.png"), overwrite=True),
    ):
        raise AssertionError


def denied(path: Path, missing_ok: bool = False) -> None:
    raise PermissionError(13, "Permission denied", str(path))


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_the_file_that_it_leads_to_is_made(tmp_path, there):
    source, disk = write_clip(tmp_path / "in.mkv", moving_square(4)), tmp_path / "disk"
    disk.mkdir()
    link, output = tmp_path / "out.mkv", disk / "big.mkv"
    link.symlink_to(output)
    if there:
        output.write_bytes(b"old")

    run(make_plan(Job(source, link, overwrite=there)), Blend())

    assert link.is_symlink()
    assert len(video_times(output)) == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["disk", "in.mkv", "out.mkv"]


def test_a_link_to_a_name_with_another_ending_is_replaced_and_what_it_led_to_stays(tmp_path):
    """The name that was given says the format."""
    source, old = write_clip(tmp_path / "in.mkv", moving_square(4)), tmp_path / "old.mp4"
    old.write_bytes(b"old")
    output = tmp_path / "out.mkv"
    output.symlink_to(old)

    run(make_plan(Job(source, output, overwrite=True)), Blend())

    assert not output.is_symlink() and len(video_times(output)) == 8
    assert old.read_bytes() == b"old"
