"""Videos as numbered pictures: `frames/%06d.png`."""

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from unicodedata import normalize

from vfi_flow.errors import InputError

CODECS = {".png": "png", ".tif": "tiff", ".tiff": "tiff", ".jpg": "mjpeg", ".jpeg": "mjpeg", ".exr": "exr"}
"""Encoder of pictures by their ending."""

PIX_FMTS = {
    "png": ("rgb24", "rgba", "gray", "ya8", "rgb48be", "rgba64be", "gray16be", "ya16be"),
    "tiff": ("rgb24", "rgba", "gray", "ya8", "rgb48le", "rgba64le", "gray16le", "ya16le"),
    "exr": ("gbrpf32le", "gbrapf32le", "grayf32le"),
    "mjpeg": ("yuvj420p", "yuvj422p", "yuvj444p"),
}
"""Formats that picture viewers understand; TIFF and PNG hold others, too."""

NUMBER = re.compile(r"%(0(\d+))?d")

USUAL_RATE = Fraction(25)
"""Where nobody says how fast pictures follow each other; ffmpeg's choice."""


@dataclass(frozen=True, slots=True)
class ImageSequence:
    """Pictures whose names differ in a number: `%d` or, with leading zeros, `%06d`."""

    pattern: Path
    rate: Fraction = USUAL_RATE
    """Pictures per second."""

    def __str__(self) -> str:
        return str(self.pattern)

    @property
    def name(self) -> str:
        return self.pattern.name

    @property
    def suffix(self) -> str:
        return self.pattern.suffix.lower()

    @property
    def ffmpeg_pattern(self) -> str:
        """The pattern for FFmpeg, to which another per cent sign would mean another number.

        It is absolute: relative, `a:b/%d.png` would be of protocol `a`.
        """
        start, end = self._span
        before, after = f"{self.pattern.parent.absolute()}/{self.name[:start]}", self.name[end:]
        return before.replace("%", "%%") + self.name[start:end] + after.replace("%", "%%")

    def path(self, number: int) -> Path:
        """The file of one picture."""
        return self.pattern.with_name(NUMBER.sub(lambda found: f"{number:0{found[2] or 1}d}", self.name, count=1))

    def numbers(self) -> list[int]:
        """Numbers of the pictures that are there, rising; whether `IMG_1.png` is `img_1.png`, the file system says."""
        start, end = self._span
        before, after = (re.escape(normalize("NFC", part)) for part in (self.name[:start], self.name[end:]))
        names = {entry.name for entry in self.pattern.parent.iterdir()} if self.pattern.parent.is_dir() else set()
        pattern = re.compile(rf"{before}(\d+){after}", re.IGNORECASE)
        found = [pattern.fullmatch(normalize("NFC", name)) for name in names]
        numbers = {int(match[1]) for match in found if match is not None}
        return sorted(n for n in numbers if self.path(n).name in names or self.path(n).exists())

    def first_number(self) -> int:
        """InputError where there is no picture, one is empty, or one is missing between the first and the last."""
        numbers = self.numbers()
        if not numbers:
            raise InputError(f"{self}: no such pictures")
        if missing := numbers[-1] - numbers[0] + 1 - len(numbers):
            first = next(number + 1 for number, following in pairwise(numbers) if following > number + 1)
            more = f" and {missing - 1} others" if missing > 1 else ""
            raise InputError(f"{self.path(first)}{more}: missing between the first and the last picture")
        if empty := [path for path in map(self.path, numbers) if not path.stat().st_size]:  # FFmpeg would end there
            more = f" and {len(empty) - 1} others" if len(empty) > 1 else ""
            raise InputError(f"{empty[0]}{more}: the file is empty")
        return numbers[0]

    @property
    def _span(self) -> tuple[int, int]:
        match = NUMBER.search(self.name)
        assert match is not None
        return match.span()


def is_pattern(path: Path) -> bool:
    """Whether the name stands for many files; a file that is called so is a file."""
    return NUMBER.search(path.name) is not None and not path.exists()
