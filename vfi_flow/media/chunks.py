"""Parts of an encoded video on disk, each complete in itself: what is left of a job that is interrupted."""

import hashlib
import json
import os
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

CHUNK_FRAMES = 250
"""A new chunk begins with every multiple of it. x264 and x265 set a key frame at least as often anyway."""

SHORTEST_CHUNK = 4
"""Frames of every chunk but the last. The decoding of one or two frames of x264 and x265 begins when they are shown,
that of more two frames earlier, which would be before the end of such a short chunk."""

JOINABLE = ("libx264", "libx265", "libsvtav1", "libvpx-vp9", "ffv1", "prores_ks", "prores", "prores_aw", "utvideo")
"""Encoders that were tried out: opened twice they make streams of the same parameters, which follow each other."""

PAYLOAD, INDEX, NEW = ".packets", ".json", ".new"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some frames in a row: packets in one file, and in another one, the index, what these packets are."""

    index: Path
    first: int
    """Number of the first frame in the whole video."""
    frames: int
    extradata: bytes
    """What the encoder says about the whole stream."""

    @property
    def end(self) -> int:
        return self.first + self.frames

    @property
    def payload(self) -> Path:
        return self.index.with_suffix(PAYLOAD)

    def read(self) -> "Iterator[av.Packet[Any]]":
        """The packets as the encoder made them; their times are numbers of frames."""
        with open(self.payload, "rb") as file:
            for size, pts, dts, is_key in json.loads(self.index.read_text())["packets"]:
                packet: av.Packet[Any] = av.Packet(file.read(size))
                packet.pts, packet.dts, packet.is_keyframe = pts, dts, is_key
                yield packet


class ChunkFolder:
    """The chunks of one video: those that are there from an earlier run, complete and undamaged, and new ones."""

    def __init__(self, path: Path) -> None:
        """What there is of other chunks is removed."""
        self.path = path
        found = [chunk for chunk in map(read_index, indices_in(path)) if chunk is not None and is_whole(chunk)]
        self._stored = tuple(sorted(found, key=lambda chunk: chunk.first))
        self._firsts = [chunk.first for chunk in self._stored]
        self.stored_frames = sum(chunk.frames for chunk in self._stored)
        """Frames that earlier runs made."""
        self.frames = self.stored_frames
        """All frames in chunks."""
        good = {chunk.index.stem for chunk in self._stored}
        for file in chunk_files(path):
            if file.stem not in good or file.suffix == NEW:
                file.unlink()

    def holds(self, frame: int) -> bool:
        """Whether an earlier run made it."""
        place = bisect_right(self._firsts, frame)
        return place > 0 and frame < self._stored[place - 1].end

    def beginning_at(self, frame: int) -> Chunk | None:
        place = bisect_right(self._firsts, frame)
        return self._stored[place - 1] if place and self._firsts[place - 1] == frame else None

    def end_from(self, first: int) -> int:
        """Where a chunk from frame `first` on ends: at a multiple of `CHUNK_FRAMES`, or where the next one begins."""
        regular = ((first + SHORTEST_CHUNK - 1) // CHUNK_FRAMES + 1) * CHUNK_FRAMES
        place = bisect_right(self._firsts, first)
        return min([regular, *self._firsts[place : place + 1]])

    def fits(self, extradata: bytes) -> bool:
        """Whether an encoder with this `extradata` goes on with the stream of earlier runs."""
        return all(chunk.extradata == extradata for chunk in self._stored)

    def begin(self, first: int, extradata: bytes) -> "ChunkFile":
        return ChunkFile(self, first, extradata)


class ChunkFile:
    """A chunk that grows. Until it is `complete` it means nothing."""

    def __init__(self, folder: ChunkFolder, first: int, extradata: bytes) -> None:
        self.folder, self.first, self.extradata = folder, first, extradata
        self.index = folder.path / f"{first:09d}{INDEX}"
        self._file = open(self.index.with_suffix(PAYLOAD), "wb")  # noqa: SIM115 - `complete` or `close` closes it
        self._hash = hashlib.sha256()
        self._packets: list[tuple[int, int, int, bool]] = []

    def write(self, packet: "av.Packet[Any]") -> None:
        assert packet.pts is not None and packet.dts is not None
        data = bytes(packet)
        self._file.write(data)
        self._hash.update(data)
        self._packets.append((len(data), packet.pts, packet.dts, packet.is_keyframe))

    def complete(self, end: int) -> None:
        """All is there up to the frame before `end`; from now on it outlives even a crash of the machine."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        index = {
            "first": self.first,
            "frames": end - self.first,
            "extradata": self.extradata.hex(),
            "packets": self._packets,
        }
        write_atomically(self.index, {**index, "sha256": sealed(self._hash, index)})
        self.folder.frames += end - self.first

    def close(self) -> None:
        """Give up what is not complete."""
        with suppress(OSError):  # the disk may be full
            self._file.close()


def sealed(payload: Any, index: dict[str, Any]) -> str:
    """Checksum of the packets' bytes, which `payload` has seen, and of the index, which has no checksum yet."""
    payload.update(json.dumps(index).encode())
    return payload.hexdigest()


def read_index(path: Path) -> Chunk | None:
    """None where the file is no index."""
    try:
        found = json.loads(path.read_text())
        return Chunk(path, int(found["first"]), int(found["frames"]), bytes.fromhex(found["extradata"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_whole(chunk: Chunk) -> bool:
    """Whether both files are as they were written."""
    try:
        index = json.loads(chunk.index.read_text())
        checksum = index.pop("sha256")
        with open(chunk.payload, "rb") as file:
            payload = hashlib.file_digest(file, "sha256")
        return sealed(payload, index) == checksum
    except (OSError, ValueError, KeyError):
        return False


def write_atomically(path: Path, content: dict[str, Any]) -> None:
    """`content` as JSON at `path`: all of it, or what was there before."""
    new = path.with_suffix(NEW)
    with open(new, "w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


def chunk_files(path: Path) -> list[Path]:
    """Everything in a folder that belongs to chunks."""
    suffixes = (PAYLOAD, INDEX, NEW)
    return [file for file in path.iterdir() if file.stem.isdecimal() and file.suffix in suffixes]


def indices_in(path: Path) -> list[Path]:
    return [file for file in chunk_files(path) if file.suffix == INDEX]


def frames_in(path: Path) -> int:
    """Frames in the chunks of a folder, by their indices; 0 where there is no such folder."""
    if not path.is_dir():
        return 0
    return sum(chunk.frames for chunk in map(read_index, indices_in(path)) if chunk is not None)
