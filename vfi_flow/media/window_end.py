"""When nothing of a window can come any more, seen from the packets of a source that goes on."""

from collections.abc import Iterable
from fractions import Fraction

SHORTEST_LAG = Fraction(2)
"""Subtitles are expected at most so much later in a pipe than the pictures that they belong to."""

LONGEST_LAG = Fraction(10)
"""So long FFmpeg's muxers wait for a stream that says nothing before they write the others."""


class WindowEnd:
    """Looks whether everything has come past the end of the window.

    Video and sound go on steadily; subtitles may be silent for an hour, so the others tell where they are.

        video      |||||||||||||||||||||||||||||||||||||||||||||
        sound       | | | | | | | | | | | | | | | | | | | | | |
        subtitle     |                |                           <- no other one is waited for
                                 end          ^ both are a lag past it

    More is read of a file, which ends, than of a pipe, whose sender may be slow or never stop. There a sound that has
    ended before is not waited for, either.
    """

    def __init__(self, end: Fraction | None, video: int, sounds: Iterable[int], is_pipe: bool) -> None:
        """Streams are given by their index; `end` None: the window has none."""
        self._end, self._video, self._is_pipe = end, video, is_pipe
        self._reached = dict.fromkeys([video, *sounds], Fraction(0))

    def is_past(self, stream: int, time: Fraction) -> bool:
        """Whether nothing of the window will come after this packet."""
        if self._end is None or stream not in self._reached:
            return False
        self._reached[stream] = time
        if self._is_pipe and self._reached[self._video] >= self._end + LONGEST_LAG:
            return True
        return min(self._reached.values()) >= self._end + (SHORTEST_LAG if self._is_pipe else LONGEST_LAG)
