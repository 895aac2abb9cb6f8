"""Names of numbered pictures."""

import unicodedata
from pathlib import Path

import pytest

from vfi_flow.errors import InputError
from vfi_flow.media.images import ImageSequence, is_pattern


@pytest.mark.parametrize(
    ("pattern", "number", "name"),
    [("%06d.png", 7, "000007.png"), ("a%db.tif", 12, "a12b.tif"), ("%03d.jpg", 12345, "12345.jpg")],
)
def test_a_number_has_one_name(tmp_path, pattern, number, name):
    images = ImageSequence(tmp_path / pattern)
    (tmp_path / name).touch()
    (tmp_path / f"{name}.bak").touch()

    assert images.path(number).name == name
    assert images.numbers() == [number]


def test_names_with_other_leading_zeros_are_other_files(tmp_path):
    for name in ("7.png", "007.png", "0008.png"):
        (tmp_path / name).touch()

    assert ImageSequence(tmp_path / "%03d.png").numbers() == [7]
    assert ImageSequence(tmp_path / "%d.png").numbers() == [7]


@pytest.mark.parametrize(("name", "other"), [("IMG_%04d.PNG", "img_0001.png"), ("\u00e9%04d.png", "e\u03010001.png")])
def test_names_that_the_file_system_takes_for_the_same_are_the_same(tmp_path, monkeypatch, name, other):
    def plain(path: Path) -> str:
        return unicodedata.normalize("NFC", path.name).lower()

    (tmp_path / other).touch()
    images = ImageSequence(tmp_path / name)
    if not images.path(1).exists():
        assert images.numbers() == []
        monkeypatch.setattr(Path, "exists", lambda path: plain(path) in map(plain, path.parent.iterdir()))

    assert images.numbers() == [1]


def test_a_missing_picture_is_named(tmp_path):
    for number in (3, 4, 6, 7, 9):
        (tmp_path / f"{number:03}.png").touch()

    with pytest.raises(InputError, match=r"005\.png and 1 others: missing between the first and the last picture"):
        ImageSequence(tmp_path / "%03d.png").first_number()


def test_a_number_far_from_the_others_takes_no_memory(tmp_path):
    for number in (1, 20240115093000):
        (tmp_path / f"f{number}.png").touch()

    with pytest.raises(InputError, match=r"f2\.png and 20240115092997 others: missing"):
        ImageSequence(tmp_path / "f%d.png").first_number()


@pytest.mark.parametrize(("name", "expected"), [("%06d.png", True), ("a.png", False), ("100%d one.mp4", False)])
def test_a_file_that_is_called_like_a_pattern_is_a_file(tmp_path, name, expected):
    (tmp_path / "100%d one.mp4").touch()

    assert is_pattern(tmp_path / name) is expected


def test_a_per_cent_sign_in_a_folder_stands_for_itself():
    assert ImageSequence(Path("50%d/%d.png")).ffmpeg_pattern.endswith("/50%%d/%d.png")
