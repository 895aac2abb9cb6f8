"""A list of cuts survives the way through a file and through people's hands, and one that does not fit is refused."""

import json
from fractions import Fraction
from itertools import pairwise

import av
import pytest

from vfi_flow.errors import UsageError
from vfi_flow.media.frame import SourceFrame, Window
from vfi_flow.media.scene_list import FoundCut, ListedCuts, as_json, read_scene_list, to_text

RATE = Fraction(24000, 1001)
PICTURE = av.VideoFrame(16, 16, "yuv420p")


def frames(count: int, first: int = 0, origin: Fraction = Fraction(0)) -> list[SourceFrame]:
    """Frames `first`.. of a video, their clock 0 at `origin`."""
    return [SourceFrame(n - first, n, n / RATE - origin, 1 / RATE, PICTURE) for n in range(first, first + count)]


def obeyed(scenes, some: list[SourceFrame], start: Fraction = Fraction(0)) -> list[int]:
    """pts of the frames that begin a scene."""
    listed = ListedCuts(scenes, start)
    return [right.pts for left, right in pairwise(some) if listed.is_cut(left, right)]


def listed(path, *cuts: dict, **more):
    path.write_text(json.dumps({"scenes_version": 1, "source": {}, "cuts": list(cuts), **more}))
    return read_scene_list(path)


def test_what_is_written_is_read_again_exactly(tmp_path):
    found = [FoundCut(n, n / RATE, 0.9) for n in (7, 11, 12)]
    path = tmp_path / "cuts.json"
    path.write_text(to_text(as_json({"rate": str(RATE)}, Window(), 20, found)))

    scenes = read_scene_list(path)

    assert [cut.time for cut in scenes.cuts] == [cut.time for cut in found]
    assert obeyed(scenes, frames(20)) == [7, 11, 12]
    assert json.loads(path.read_text())["cuts"][0] == {
        "frame": 7,
        "time": "7007/24000",
        "seconds": 0.291958,
        "score": 0.9,
    }


def test_every_cut_has_a_line_of_its_own(tmp_path):
    text = to_text(as_json({}, Window(), 20, [FoundCut(n, n / RATE, 0.9) for n in (7, 11)]))
    lines = text.splitlines()
    kept = [line for line in lines if '"frame": 7' not in line]

    assert len(lines) - len(kept) == 1
    assert [cut["frame"] for cut in json.loads("\n".join(kept))["cuts"]] == [11]
    assert json.loads(to_text(as_json({}, Window(), 20, [])))["cuts"] == []


def test_a_part_of_the_video_obeys_the_list_of_the_whole_to_the_frame(tmp_path):
    scenes = listed(tmp_path / "c.json", *({"time": str(n / RATE)} for n in (7, 11, 12, 19)))
    start = Fraction(8, 1) / RATE - Fraction(1, 100)

    assert obeyed(scenes, frames(6, first=8, origin=start), start) == [11, 12]


@pytest.mark.parametrize("places", [[0.3, 0.47], [0.28, 0.45]], ids=["late", "early"])
def test_a_line_with_seconds_alone_means_the_nearest_frame(tmp_path, places):
    scenes = listed(tmp_path / "c.json", *({"seconds": place} for place in places))

    assert obeyed(scenes, frames(20)) == [7, 11]


def test_lines_may_stand_in_any_order_and_twice(tmp_path):
    scenes = listed(tmp_path / "c.json", {"frame": 11}, {"seconds": 0.29}, {"time": str(7 / RATE)}, {"frame": 3})

    assert obeyed(scenes, frames(20)) == [3, 7, 11]


def test_a_time_with_a_point_is_what_is_written(tmp_path):
    """As a float it would be no frame's time."""
    [cut] = listed(tmp_path / "c.json", {"time": 0.04}).cuts

    assert cut.time == Fraction(1, 25)


def test_a_time_that_no_frame_has_is_an_error(tmp_path):
    scenes = listed(tmp_path / "c.json", {"time": "1/3"})

    with pytest.raises(UsageError, match=r"c.json: cut 1 \(0.333333 s\) is between two frames .* for another video"):
        obeyed(scenes, frames(20))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"cuts": [}', "line 1 is not JSON"),
        ("[]", "is not a list of cuts; write one with"),
        ('{"scenes_version": 2, "cuts": []}', "scenes_version is 2, expected 1"),
        ('{"scenes_version": 1, "cuts": [{"time": "soon"}]}', "cut 1 is not understood: {\"time\": \"soon\"}"),
        ('{"scenes_version": 1, "cuts": [{"frame": 1}, 7]}', "cut 2 is not understood: 7"),
        ('{"scenes_version": 1, "cuts": [{"time": "1/0"}]}', "cut 1 is not understood"),
        ('{"scenes_version": 1, "cuts": [{"seconds": Infinity}]}', "cut 1 is not understood"),
        ('{"scenes_version": 1, "cuts": [{"score": 1}]}', "cut 1 has neither time, seconds nor frame"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_one_sentence(tmp_path, text, sentence):
    path = tmp_path / "c.json"
    path.write_text(text)

    with pytest.raises(UsageError) as caught:
        read_scene_list(path)

    assert str(caught.value).startswith(f"{path}: ") and sentence in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_is_read_in_the_encodings_of_windows(tmp_path, encoding):
    path = tmp_path / "c.json"
    path.write_text('{"scenes_version": 1, "source": {"path": "caf\u00e9"}, "cuts": [{"frame": 3}]}', encoding=encoding)

    assert obeyed(read_scene_list(path), frames(20)) == [3]
    assert read_scene_list(path).source["path"] == "caf\u00e9"


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"\x89PNG\r\n", b"\0\0\0 ftypisom\0\0\2\0", "no list".encode("utf-16")]
)
def test_what_is_no_text_is_one_sentence(tmp_path, data):
    path = tmp_path / "c.json"
    path.write_bytes(data)

    with pytest.raises(UsageError, match=r"is not a list of cuts but binary data|line 1 is not JSON"):
        read_scene_list(path)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"scenes_version":1,"cuts":[{"seconds":1e40000000}]}',
        '{"scenes_version":1,"cuts":[{"seconds":1e-40000000}]}',
        '{"scenes_version":1,"cuts":[{"time":"1e40000000"}]}',
        '{"scenes_version":1,"cuts":[{"frame":' + "9" * 5000 + "}]}",
    ],
    ids=["brackets", "large", "small", "large text", "long"],
)
def test_numbers_and_brackets_without_end_are_one_sentence(tmp_path, text):
    path = tmp_path / "cuts.json"
    path.write_text(text)

    if "e-" in text:
        assert read_scene_list(path).cuts[0].about == 0
        return
    with pytest.raises(UsageError, match=r"is not a list of cuts|cut 1 is not understood") as caught:
        read_scene_list(path)
    assert len(str(caught.value)) < 500
