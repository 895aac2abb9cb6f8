"""`vfi-flow compare` draws true and made frames; looked at through the pixels of the sheet."""

import sys
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("kornia")
cv2 = pytest.importorskip("cv2")

from clips import moving_square, pixels, write_clip  # noqa: E402

from vfi_flow.cli.main import main  # noqa: E402
from vfi_flow.training import contact_sheet  # noqa: E402
from vfi_flow.training.contact_sheet import CELL_WIDTH, MARGIN, TEXT_HEIGHT  # noqa: E402
from vfi_flow.training.windows import most_different  # noqa: E402

CELL_HEIGHT = 360  # of clips of 64x48


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clips") / "a.mp4", moving_square(9))


def cells(path, rows: int, columns: int, cell_height: int = CELL_HEIGHT) -> list[list[np.ndarray]]:
    """The pictures of a sheet; fails if its size is not that of such a sheet."""
    sheet = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    line = cell_height + TEXT_HEIGHT
    assert sheet.shape == (MARGIN + TEXT_HEIGHT + rows * line, MARGIN + columns * (CELL_WIDTH + MARGIN), 3)
    top, left = MARGIN + TEXT_HEIGHT, MARGIN
    return [
        [
            sheet[top + row * line :][:cell_height, left + column * (CELL_WIDTH + MARGIN) :][:, :CELL_WIDTH]
            for column in range(columns)
        ]
        for row in range(rows)
    ]


def enlarged(frame: np.ndarray) -> np.ndarray:
    return cv2.resize(frame, (CELL_WIDTH, CELL_HEIGHT), interpolation=cv2.INTER_NEAREST)


def test_the_first_column_is_the_truth_and_the_others_are_made(clip, tmp_path):
    code = main(["compare", str(clip), str(tmp_path / "sheet.png"), "--steps", "none", "--count", "3"])
    frames, shown = pixels(clip), cells(tmp_path / "sheet.png", rows=3, columns=3)

    assert code == 0
    for row, number in zip(shown, (1, 4, 7), strict=True):
        assert np.array_equal(row[0], enlarged(frames[number]))
        mean = (frames[number - 1].astype(float) + frames[number + 1]) / 2
        assert np.abs(row[1] - enlarged(mean)).max() <= 1


def test_the_model_stands_beside_the_truth(clip, tmp_path, monkeypatch):
    class Fake:
        model_name, model_hash, engine = "base", "", ""

        def __init__(self, **options) -> None:
            self.steps = options["steps"]

        def __enter__(self):
            return self

        def __exit__(self, *_) -> None: ...

        def __call__(self, frame0, frame1, taus, pts=0, before=None, after=None):
            return [np.full_like(frame0, 50 * self.steps) for _ in taus]

    module = ModuleType("vfi_flow.inference.interpolator")
    module.Interpolator = Fake
    monkeypatch.setitem(sys.modules, module.__name__, module)
    code = main(["compare", str(clip), str(tmp_path / "sheet.png"), "--steps", "1,2", "--at", "0.1"])
    [row] = cells(tmp_path / "sheet.png", rows=1, columns=5)

    assert code == 0
    assert np.array_equal(row[0], enlarged(pixels(clip)[3]))
    assert (row[1] == 50).all() and (row[2] == 100).all()


def test_the_place_nearest_to_a_time_with_both_neighbours_is_taken(clip, tmp_path):
    times = ["0", "0.099", "0.26"]
    code = main(["compare", str(clip), str(tmp_path / "sheet.png"), "--steps", "none", "--at", *times])
    frames = pixels(clip)

    assert code == 0
    for row, number in zip(cells(tmp_path / "sheet.png", rows=3, columns=3), (1, 3, 7), strict=True):
        assert np.array_equal(row[0], enlarged(frames[number]))


def test_a_crop_lies_where_most_moves():
    frame0, frame1 = np.zeros((2, 60, 100, 3), np.uint8)
    frame1[22:30, 71:83] = 200
    window = most_different(frame0, frame1, width=12, height=8)

    assert (window.top, window.left) == (22, 71)
    assert window.cut(frame1).min() == 200


@pytest.mark.parametrize(("crop", "cell_height"), [("32x16", 240), ("auto", 366), ("64x48", 360)])
def test_a_crop_is_enlarged_to_the_cell(clip, tmp_path, crop, cell_height):
    code = main(["compare", str(clip), str(tmp_path / "sheet.png"), "--steps", "none", "--count", "1", "--crop", crop])

    assert code == 0
    cells(tmp_path / "sheet.png", rows=1, columns=3, cell_height=cell_height)


def test_large_frames_are_shrunk(tmp_path):
    write_clip(tmp_path / "wide.mp4", moving_square(3, width=960, height=480))
    code = main(["compare", str(tmp_path / "wide.mp4"), str(tmp_path / "sheet.png"), "--steps", "none"])

    assert code == 0
    cells(tmp_path / "sheet.png", rows=1, columns=3, cell_height=240)


def test_the_psnr_of_what_is_shown_stands_below_it(monkeypatch):
    written = []
    monkeypatch.setattr(
        contact_sheet, "label", lambda text, width: written.append(text) or contact_sheet.gap(22, width)
    )
    truth = np.full((8, 8, 3), 100, np.uint8)
    contact_sheet.draw([contact_sheet.Row(1.5, 45, truth, [truth + np.uint8(16)])], ["ours"])

    assert written == ["truth", "ours", "1.500 s, frame 45", "24.05 dB"]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["missing.mp4", "s.png"], 3, "missing.mp4: no such file"),
        (["{clip}", "s.jpg"], 2, "ends in .png"),
        (["{clip}", "missing/s.png"], 7, "missing: no such folder for the sheet"),
        (["{clip}", "there.png"], 7, "there.png exists; pass --overwrite to replace it"),
        (["{clip}", "s.png", "--at", "9"], 2, "--at 9: the clip has frames from 0 to 0.267 s"),
        (["{clip}", "s.png", "--crop", "65x48"], 2, "--crop 65x48 is larger than the frames, 64x48"),
        (["short.mp4", "s.png"], 3, "short.mp4: 2 frames are too few"),
        (["text.mp4", "s.png"], 3, "text.mp4: not a video file that FFmpeg can read"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_is_written(
    clip, tmp_path, monkeypatch, capsys, arguments, code, reason
):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "short.mp4", moving_square(2))
    (tmp_path / "text.mp4").write_text("not a video")
    (tmp_path / "there.png").write_text("precious")

    assert main(["compare", *(argument.format(clip=clip) for argument in arguments), "--steps", "none"]) == code
    error = capsys.readouterr().err
    assert reason in error and error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["short.mp4", "text.mp4", "there.png"]
    assert (tmp_path / "there.png").read_text() == "precious"


@pytest.mark.parametrize(("option", "value"), [("--count", "0"), ("--count", "x"), ("--threads", "0")])
def test_a_wrong_number_is_one_sentence_and_nothing_is_written(clip, tmp_path, capsys, option, value):
    with pytest.raises(SystemExit) as stopped:
        main(["compare", str(clip), str(tmp_path / "s.png"), option, value])

    error = capsys.readouterr().err
    assert stopped.value.code == 2
    assert f"argument {option}: '{value}' is not a whole number above 0" in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_steps_may_stand_before_the_names(clip, tmp_path):
    assert main(["compare", "--steps", "none", str(clip), str(tmp_path / "sheet.png"), "--count", "1"]) == 0


def test_an_existing_sheet_is_replaced_when_asked(clip, tmp_path):
    (tmp_path / "sheet.png").write_text("old")

    assert main(["compare", str(clip), str(tmp_path / "sheet.png"), "--steps", "none", "--count", "1", "-y"]) == 0
    cells(tmp_path / "sheet.png", rows=1, columns=3)
