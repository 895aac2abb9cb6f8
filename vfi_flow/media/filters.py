"""FFmpeg's filters, one after the other, for the pictures of a video."""

from fractions import Fraction

import av


def filters_for(picture: av.VideoFrame, clock: Fraction, *filters: tuple[str, dict[str, str]]) -> av.filter.Graph:
    """A graph of `filters`, by name and options, for pictures like `picture`, whose times are counted in `clock`."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=picture.width, height=picture.height, format=picture.format, time_base=clock)
    inner = [graph.add(name, **options) for name, options in filters]
    graph.link_nodes(source, *inner, graph.add("buffersink")).configure()
    return graph


def filtered(picture: av.VideoFrame, graph: av.filter.Graph) -> av.VideoFrame:
    """What comes of `picture` in a graph that makes one picture of each."""
    graph.push(picture)
    found = graph.pull()
    assert isinstance(found, av.VideoFrame)
    return found
