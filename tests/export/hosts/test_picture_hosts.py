"""Two pictures in, new pictures out: the same from every host, and the same as from onnxruntime itself."""

import subprocess

import numpy as np
import pytest

pytest.importorskip("torch")

from host_files import read_ppm, write_ppm
from tiny_network import moving_texture
from tolerances import HOST_LEVELS


def run(host, folder, *words):
    return subprocess.run([*host, *words], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize(("height", "width", "factor"), [(37, 51, 4), (1, 1, 2)])
def test_the_new_pictures_are_what_the_model_makes(host, folder, answer, height, width, factor):
    frames = [moving_texture(height, width, dx) for dx in (0, 3)]
    for i, frame in enumerate(frames):
        write_ppm(folder / f"frame{i}.ppm", frame)

    done = run(host, folder, "base.u8_1.onnx", str(factor), "frame0.ppm", "frame1.ppm", "new")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(path.name for path in folder.glob("new*")) == [f"new{i:03}.ppm" for i in range(1, factor)]
    for i in range(1, factor):
        made = read_ppm(folder / f"new{i:03}.ppm").astype(int)
        assert np.abs(made - answer(*frames, i / factor)).max() <= HOST_LEVELS


def test_a_picture_may_have_comments_and_begin_with_white_space(host, folder, answer):
    frames = [np.full((4, 6, 3), level, np.uint8) for level in (ord(" "), ord("#"))]
    write_ppm(folder / "frame0.ppm", frames[0], comment=b"# by hand\n#\n")
    write_ppm(folder / "frame1.ppm", frames[1])

    done = run(host, folder, "base.u8_1.onnx", "2", "frame0.ppm", "frame1.ppm", "new")

    assert done.returncode == 0
    assert np.abs(read_ppm(folder / "new001.ppm").astype(int) - answer(*frames, 0.5)).max() <= HOST_LEVELS


def test_a_model_of_one_size_takes_that_size(host, folder):
    for i in (0, 1):
        write_ppm(folder / f"frame{i}.ppm", moving_texture(32, 48, i))

    done = run(host, folder, "fixed.onnx", "2", "frame0.ppm", "frame1.ppm", "new")

    assert done.returncode == 0
    assert read_ppm(folder / "new001.ppm").shape == (32, 48, 3)


@pytest.mark.parametrize(
    ("model", "factor", "frame1", "complaint"),
    [
        (
            "base.u8_1.onnx",
            "2",
            "small.ppm",
            "the frames are 51x37 and 8x6, expected one size (of this model: dynamic)",
        ),
        ("fixed.onnx", "2", "large.ppm", "the frames are 51x37 and 51x37, expected one size (of this model: 48x32)"),
        ("floats.onnx", "2", "large.ppm", "floats.onnx: not a file that `vfi-flow export --layout u8` wrote"),
        ("text.onnx", "2", "large.ppm", "text.onnx: cannot be loaded: "),
        ("nothing.onnx", "2", "large.ppm", "nothing.onnx"),
        ("base.u8_1.onnx", "2", "nothing.ppm", "nothing.ppm"),
        ("base.u8_1.onnx", "2", "cut.ppm", "cut.ppm: not a whole binary PPM (P6) of 8 bits"),
        ("base.u8_1.onnx", "2", "empty.ppm", "empty.ppm: not a whole binary PPM (P6) of 8 bits"),
        ("base.u8_1.onnx", "2", "glued.ppm", "glued.ppm: not a whole binary PPM (P6) of 8 bits"),
        ("base.u8_1.onnx", "2", "open.ppm", "open.ppm: not a whole binary PPM (P6) of 8 bits"),
        ("base.u8_1.onnx", "2", "deep.ppm", "deep.ppm: not a whole binary PPM (P6) of 8 bits"),
        ("base.u8_1.onnx", "1", "large.ppm", "from 2 to 999"),
        ("base.u8_1.onnx", "two", "large.ppm", "from 2 to 999"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(host, folder, model, factor, frame1, complaint):
    write_ppm(folder / "large.ppm", moving_texture(37, 51))
    write_ppm(folder / "small.ppm", moving_texture(6, 8))
    (folder / "cut.ppm").write_bytes((folder / "large.ppm").read_bytes()[:-1])
    (folder / "empty.ppm").touch()
    (folder / "glued.ppm").write_bytes(b"P68 6 255\n" + bytes(3 * 8 * 6))
    (folder / "open.ppm").write_bytes(b"P6 8 6 255." + bytes(3 * 8 * 6))
    (folder / "deep.ppm").write_bytes(b"P6 8 6 65535\n" + bytes(2 * 3 * 8 * 6))

    done = run(host, folder, model, factor, "large.ppm", frame1, "new")

    assert done.returncode == 1
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1 and done.stdout == ""
    assert list(folder.glob("new*")) == []


def test_words_that_are_missing_are_named(host, folder):
    done = run(host, folder, "base.u8_1.onnx")

    assert done.returncode == 1
    assert "takes MODEL FACTOR FRAME0.ppm FRAME1.ppm PREFIX" in done.stderr
