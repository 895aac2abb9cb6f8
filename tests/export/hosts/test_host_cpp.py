"""The C++ host takes raw video as well, and finds ONNX Runtime in more than one way."""

import re
import shlex
import subprocess

import numpy as np
import pytest

pytest.importorskip("torch")

from host_files import read_ppm, readme_command, write_ppm
from tiny_network import moving_texture
from tolerances import HOST_LEVELS

HEIGHT, WIDTH = 18, 32


@pytest.fixture
def stream(cpp_source, folder):
    """stream(factor, data): the finished process that got the bytes `data` of a raw video of 32x18."""

    def run(factor: int, data: bytes):
        words = [cpp_source / "build" / "interpolate", "base.u8_1.onnx", str(factor), str(WIDTH), str(HEIGHT)]
        return subprocess.run(words, cwd=folder, input=data, capture_output=True)

    return run


@pytest.mark.parametrize("factor", [2, 3])
def test_raw_video_gets_new_frames_between_its_own_and_keeps_its_length(stream, answer, factor):
    video = np.stack([moving_texture(HEIGHT, WIDTH, 2 * i) for i in range(3)])

    done = stream(factor, video.tobytes())

    made = np.frombuffer(done.stdout, np.uint8).reshape(-1, HEIGHT, WIDTH, 3)
    assert (done.returncode, done.stderr, len(made)) == (0, b"", factor * len(video))
    assert np.array_equal(made[::factor], video)
    assert np.array_equal(made[2 * factor :], np.stack(factor * [video[2]]))
    for i in range(2 * factor):
        if i % factor:
            pair = video[i // factor : i // factor + 2]
            assert np.abs(made[i].astype(int) - answer(*pair, i % factor / factor)).max() <= HOST_LEVELS


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "standard input: no frame"),
        (bytes(3 * HEIGHT * WIDTH + 1), f"standard input: ends within a frame of {WIDTH}x{HEIGHT}"),
    ],
)
def test_a_stream_that_ends_too_early_is_one_sentence(stream, data, complaint):
    done = stream(2, data)

    assert done.returncode == 1
    assert done.stderr.decode().endswith(f"interpolate: {complaint}\n")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("2 promise.ppm promise.ppm new", "promise.ppm: not a whole binary PPM (P6) of 8 bits"),
        ("2 32768 32768", "out of memory for frames of 32768x32768"),
        ("2 3072 3072", "out of memory for frames of 3072x3072"),
    ],
    ids=["a header without its picture", "frames", "what the model needs for them"],
)
def test_what_does_not_fit_into_memory_is_one_sentence(cpp_source, folder, words, complaint):
    (folder / "promise.ppm").write_bytes(b"P6\n32768 32768\n255\n")
    command = f"ulimit -v 2000000; exec {cpp_source}/build/interpolate base.u8_1.onnx {words} </dev/zero >/dev/null"

    done = subprocess.run(["bash", "-c", command], cwd=folder, stderr=subprocess.PIPE, text=True)

    assert done.returncode == 1
    assert done.stderr == f"{cpp_source}/build/interpolate: {complaint}\n"


@pytest.mark.parametrize("name", ["fixed.onnx/inside", "x" * 300])
def test_a_path_that_cannot_be_looked_up_is_one_sentence(cpp_source, folder, name):
    for i in (0, 1):
        write_ppm(folder / f"frame{i}.ppm", moving_texture(4, 6, i))
    words = [cpp_source / "build" / "interpolate", name, "2", "frame0.ppm", "frame1.ppm", "new"]

    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)

    assert done.returncode == 1
    assert done.stderr.startswith(f"{words[0]}: {name}: ") and "filesystem" not in done.stderr


def test_a_folder_is_no_library(cpp_source, tmp_path):
    cache = (cpp_source / "build" / "CMakeCache.txt").read_text()
    headers = re.findall(r"^ORT_INCLUDE_DIR:\w+=(.*)$", cache, flags=re.MULTILINE)
    options = [f"-DORT_INCLUDE_DIR={headers[0]}", f"-DORT_LIBRARY={tmp_path}"]

    done = subprocess.run(
        ["cmake", "-S", cpp_source, "-B", tmp_path / "build", *options], capture_output=True, text=True
    )

    assert done.returncode != 0
    assert "set ORT_LIBRARY to the file" in done.stderr


def test_a_reader_that_has_enough_ends_the_work(cpp_source, folder):
    command = f"head -c 1000000 /dev/zero | {cpp_source}/build/interpolate base.u8_1.onnx 2 32 18 2>error | head -c 10"

    subprocess.run(["timeout", "20", "bash", "-c", command], cwd=folder, check=True, capture_output=True)

    assert (folder / "error").read_bytes() == b""


def test_a_package_that_cmake_finds_is_used_even_if_it_misses_its_own_headers(cpp_source, tmp_path):
    """Release archives of ONNX Runtime name a folder of headers that is not in them."""
    cache = (cpp_source / "build" / "CMakeCache.txt").read_text()
    found = dict(re.findall(r"^(ORT_\w+):\w+=(.*)$", cache, flags=re.MULTILINE))
    if "ORT_LIBRARY" not in found:
        pytest.skip("built with a package already")
    package = tmp_path / "lib" / "cmake" / "onnxruntime"
    package.mkdir(parents=True)
    (tmp_path / "include").symlink_to(found["ORT_INCLUDE_DIR"])
    (package / "onnxruntimeConfig.cmake").write_text(
        "add_library(onnxruntime::onnxruntime SHARED IMPORTED)\n"
        f"set_target_properties(onnxruntime::onnxruntime PROPERTIES IMPORTED_LOCATION {found['ORT_LIBRARY']}\n"
        "    INTERFACE_INCLUDE_DIRECTORIES /nowhere)\n"
    )

    words = ["cmake", "-S", cpp_source, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={tmp_path}"]
    subprocess.run(words, check=True, capture_output=True)

    flags = (tmp_path / "build" / "CMakeFiles" / "interpolate.dir" / "flags.make").read_text()
    assert f"-isystem {tmp_path / 'include'}" in flags and "/nowhere" not in flags


def test_the_commands_of_its_readme_make_pictures(cpp_source, folder):
    for i in (0, 1):
        write_ppm(folder / f"frame{i}.ppm", moving_texture(20, 30, i))
    (folder / "build").symlink_to(cpp_source / "build")

    subprocess.run(shlex.split(readme_command("cpp", "build/interpolate")), cwd=folder, check=True)

    assert [read_ppm(folder / f"new00{i}.ppm").shape for i in (1, 2, 3)] == 3 * [(20, 30, 3)]
