"""New pictures between two pictures: an exported `u8` file, numpy and ONNX Runtime, nothing else.

    python interpolate.py base.u8_1.onnx 4 frame0.ppm frame1.ppm new

writes new001.ppm, new002.ppm and new003.ppm, which cut the time between the two pictures into 4 equal parts.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it would report over the network that it is used
import onnxruntime


def open_model(path: str) -> onnxruntime.InferenceSession:
    """The model at `path`, ready to run; ValueError where its metadata do not say that it is one of ours with bytes."""
    onnxruntime.set_default_logger_severity(3)  # errors alone: it warns of what it changes in fp16 files
    try:
        session = onnxruntime.InferenceSession(Path(path).read_bytes(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ValueError(f"{path}: cannot be loaded: {error}") from error
    if not {("schema", "vfi_flow-1"), ("layout", "u8")} <= session.get_modelmeta().custom_metadata_map.items():
        raise ValueError(f"{path}: not a file that `vfi-flow export --layout u8` wrote")
    return session


def interpolate(session: onnxruntime.InferenceSession, frames: list[np.ndarray], factor: int) -> Iterator[np.ndarray]:
    """The `factor` - 1 frames between two frames, evenly spaced, one by one; all are (H, W, 3) uint8 RGB."""
    sizes = [f"{frame.shape[1]}x{frame.shape[0]}" for frame in frames]
    wanted = session.get_modelmeta().custom_metadata_map["size"]
    if sizes[0] != sizes[1] or wanted not in ("dynamic", sizes[0]):
        raise ValueError(f"the frames are {sizes[0]} and {sizes[1]}, expected one size (of this model: {wanted})")
    for tau in np.arange(1, factor, dtype=np.float32)[:, None] / np.float32(factor):
        yield session.run(["frame"], {"frame0": frames[0][None], "frame1": frames[1][None], "tau": tau})[0][0]


def read_ppm(path: str) -> np.ndarray:  # (H, W, 3) uint8
    data = Path(path).read_bytes()
    header = re.match(rb"P6" + 3 * rb"(?:\s|#[^\n]*\n)+(\d+)" + rb"\s", data)
    width, height, maximum = map(int, header.groups()) if header else (0, 0, 0)
    if not header or maximum != 255 or not 0 < 3 * width * height <= len(data) - header.end():
        raise ValueError(f"{path}: not a whole binary PPM (P6) of 8 bits")
    return np.frombuffer(data, np.uint8, 3 * width * height, header.end()).reshape(height, width, 3)


if __name__ == "__main__":
    try:
        if len(sys.argv) != 6 or not re.fullmatch("[2-9]|[1-9][0-9]{1,2}", sys.argv[2]):
            raise ValueError("takes MODEL FACTOR FRAME0.ppm FRAME1.ppm PREFIX, FACTOR from 2 to 999")
        frames = interpolate(open_model(sys.argv[1]), [read_ppm(path) for path in sys.argv[3:5]], int(sys.argv[2]))
        for i, frame in enumerate(frames, 1):
            Path(f"{sys.argv[5]}{i:03}.ppm").write_bytes(b"P6\n%d %d\n255\n" % frame.shape[1::-1] + frame.tobytes())
    except (OSError, ValueError) as error:
        sys.exit(f"{sys.argv[0]}: {error}")
