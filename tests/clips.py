"""Small clips with known content, made with PyAV: every test of reading and writing starts from one of these."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition

from vfi_flow.media.images import ImageSequence

RATE = Fraction(30)
SAMPLE_RATE = 48000


def moving_square(frames: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """(H, W, 3) uint8 RGB frames: a bright square goes right by two pixels a frame over a fixed pattern."""
    y, x = np.mgrid[:height, :width]
    ground = np.stack([60 + 40 * np.sin(x / 5), 70 + 40 * np.cos(y / 6), 90 + 30 * np.sin((x + y) / 7)], axis=-1)
    clip = []
    for n in range(frames):
        frame = ground.copy()
        left = 4 + 2 * n
        frame[height // 4 : height // 2, left : left + width // 5] = (220, 180, 60)
        clip.append(frame.astype(np.uint8))
    return clip


def scene(seed: int, width: int = 128, height: int = 96) -> np.ndarray:
    """(H, W, 3) uint8 RGB: a picture with structure at every size, another one for every seed."""
    rng = np.random.default_rng(seed)
    image = np.zeros((height, width, 3))
    for size in (3, 6, 16, 40):
        coarse = rng.uniform(-1, 1, (height // size + 2, width // size + 2, 1))
        image += np.kron(coarse, np.ones((size, size, 1)))[:height, :width]
    return (128 + 40 * image).clip(0, 255).astype(np.uint8)


def write_clip(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    rate: Fraction = RATE,
    pts: Iterable[int] | None = None,
    time_base: Fraction | None = None,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
    matrix: int = 6,
    colour_range: int = 1,
    primaries: int = 2,
    transfer: int = 2,
    rotation: int = 0,
    aspect: Fraction | None = None,
    sound: str | None = None,
    subtitles: bool = False,
    chapters: bool = False,
    seconds_of_sound: float | None = None,
) -> Path:
    """A file at `path` with `frames` at `pts` in units of `time_base` (default: constant `rate` from 0)."""
    height, width = frames[0].shape[:2]
    unit = time_base or 1 / rate
    stamps = list(range(len(frames))) if pts is None else list(pts)
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=rate, options=options or {"crf": "20", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = width, height, pix_fmt
        context = video.codec_context
        context.time_base, context.thread_count = unit, 1
        context.colorspace, context.color_range = matrix, colour_range
        context.color_primaries, context.color_trc = primaries, transfer
        video.metadata["language"] = "eng"
        if aspect:
            context.sample_aspect_ratio = aspect
        if rotation:
            video.set_display_rotation(rotation)
        audio = container.add_stream(sound, rate=SAMPLE_RATE) if sound else None
        if audio:
            audio.metadata.update(language="ger" if path.suffix == ".mov" else "deu", title="Ton")
            audio.disposition = 1
            audio.codec_context.layout = "stereo"
        text = container.add_mux_stream("subrip", time_base=Fraction(1, 1000)) if subtitles else None
        container.metadata["title"] = "A moving square"
        if chapters:
            marks = [(0, 500, "first"), (500, 1000, "second")]
            container.set_chapters(
                [
                    {"id": n, "start": a, "end": b, "time_base": Fraction(1, 1000), "metadata": {"title": t}}
                    for n, (a, b, t) in enumerate(marks)
                ]
            )
        for array, stamp in zip(frames, stamps, strict=True):
            picture = av.VideoFrame.from_ndarray(array, "rgb24").reformat(
                format=pix_fmt, dst_colorspace=5 if matrix in (2, 5, 6) else matrix, dst_color_range=colour_range or 1
            )
            picture.pts, picture.time_base = stamp, unit
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        if audio:
            length = seconds_of_sound or len(frames) / float(rate)
            for packet in encode_tone(audio, length):
                container.mux(packet)
        if text:
            for n in range(3):
                packet = av.Packet(f"line {n}".encode())
                packet.stream, packet.time_base = text, Fraction(1, 1000)
                packet.pts = packet.dts = n * 300
                packet.duration = 200
                container.mux(packet)
    return path


def encode_tone(stream: av.AudioStream, seconds: float) -> Iterable[av.Packet]:
    """Packets of a rising tone."""
    context = stream.codec_context
    size = context.frame_size or 1024
    fifo = av.AudioFifo()
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = (0.3 * np.sin(2 * np.pi * (300 + 200 * time) * time)).astype(np.float32)
    whole = av.AudioFrame.from_ndarray(np.stack([tone, tone]), format="fltp", layout="stereo")
    whole.sample_rate, whole.pts, whole.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
    resampler = av.AudioResampler(format=context.format, layout="stereo", rate=SAMPLE_RATE)
    for frame in resampler.resample(whole):
        fifo.write(frame)
    for frame in fifo.read_many(size, partial=False):
        yield from stream.encode(frame)
    if rest := fifo.read(partial=True):
        yield from stream.encode(rest)
    yield from stream.encode(None)


def video_times(path: Path) -> list[Fraction]:
    """Presentation times of all video packets of a file, in order of time."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return sorted(p.pts * p.time_base for p in container.demux(stream) if p.pts is not None)


def stream_packets(path: Path, kind: str) -> list[bytes]:
    """The payload of every packet of the first stream of `kind`."""
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return [bytes(p) for p in container.demux(stream) if p.size]


def pixels(path: Path, pix_fmt: str = "rgb24") -> list[np.ndarray]:
    """Every frame of a file, decoded."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format=pix_fmt) for frame in container.decode(video=0)]


def sound_only(path: Path) -> Path:
    """A file at `path` with 0.3 seconds of sound and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        stream.codec_context.layout = "stereo"
        for packet in encode_tone(stream, 0.3):
            container.mux(packet)
    return path


def remuxed(source: Path, target: Path, tags: dict[str, str] | None = None, **options: str) -> Path:
    """The packets of the video alone in another file, with `tags`, by a muxer with these `options`."""
    with av.open(str(source)) as before, av.open(str(target), "w", container_options=options) as after:
        stream = after.add_stream_from_template(before.streams.video[0])
        after.metadata.update(tags or {})
        for packet in before.demux(before.streams.video[0]):
            if packet.size:
                packet.stream = stream
                after.mux(packet)
    return target


def with_cover(path: Path) -> Path:
    """A clip with a JPEG cover: a track with a mark in mp4, an attachment in Matroska."""
    plain = write_clip(path.with_name("plain.mp4"), moving_square(30), sound="aac", options={"bf": "0"})
    context = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 64, 48, "yuvj420p", Fraction(1, 25)
    picture = av.VideoFrame.from_ndarray(moving_square(9)[8], "rgb24").reformat(format="yuvj420p")
    [cover] = [*context.encode(picture), *context.encode(None)]
    with av.open(str(plain)) as before, av.open(str(path), "w") as after:
        streams = {s.index: after.add_stream_from_template(s) for s in before.streams}
        if path.suffix == ".mkv":
            after.add_attachment("cover.jpg", "image/jpeg", bytes(cover))
        else:
            track = after.add_stream("mjpeg", rate=25)
            track.width, track.height, track.pix_fmt = 64, 48, "yuvj420p"
            track.disposition = Disposition.attached_pic
            cover.stream = track
            after.mux(cover)
        for packet in before.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                after.mux(packet)
    return path


def numbered(
    folder: Path, ending: str, frames: list[np.ndarray], pix_fmt: str = "rgb24", first: int = 1
) -> ImageSequence:
    """A folder of pictures, each written on its own."""
    folder.mkdir()
    codec = {".png": "png", ".tif": "tiff", ".tiff": "tiff", ".jpg": "mjpeg"}[ending]
    for number, frame in enumerate(frames, first):
        context = av.CodecContext.create(codec, "w")
        context.height, context.width = frame.shape[:2]
        context.pix_fmt, context.time_base = pix_fmt, Fraction(1, 25)
        picture = av.VideoFrame.from_ndarray(frame, "rgb24").reformat(format=pix_fmt)
        (folder / f"{number:04}{ending}").write_bytes(
            b"".join(bytes(p) for p in [*context.encode(picture), *context.encode(None)])
        )
    return ImageSequence(folder / f"%04d{ending}", Fraction(30))
