"""Pictures of 256 colours for GIF: every frame gets its own palette, and an even dither that does not crawl."""

from collections.abc import Callable
from fractions import Fraction

import av
from av.filter import Graph

GENERATE = "stats_mode=single"
USE = "new=1:dither=bayer:bayer_scale=3"
"""Error diffusion would change everywhere when a little changes somewhere; a fixed pattern stays where it is."""


def palette_for(codec: str, width: int, height: int, pix_fmt: str) -> Callable[[av.VideoFrame], av.VideoFrame]:
    """What a picture goes through before the encoder: nothing, or for GIF a `Palette`."""
    return Palette(width, height, pix_fmt) if codec == "gif" else lambda picture: picture


class Palette:
    """Turns RGB pictures of one size into pictures with a palette, by FFmpeg's palettegen and paletteuse."""

    def __init__(self, width: int, height: int, pix_fmt: str) -> None:
        self._count = 0
        self._unit = Fraction(1, 25)
        graph = Graph()
        pixels = av.VideoFormat(pix_fmt, width, height)
        source = graph.add_buffer(width=width, height=height, format=pixels, time_base=self._unit)
        split, generate = graph.add("split"), graph.add("palettegen", GENERATE)
        use, sink = graph.add("paletteuse", USE), graph.add("buffersink")
        source.link_to(split)
        split.link_to(generate, 0, 0)
        split.link_to(use, 1, 0)
        generate.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        self._graph = graph

    def __call__(self, picture: av.VideoFrame) -> av.VideoFrame:
        picture.pts, picture.time_base = self._count, self._unit
        self._count += 1
        self._graph.push(picture)
        made = self._graph.pull()
        assert isinstance(made, av.VideoFrame)
        return made
