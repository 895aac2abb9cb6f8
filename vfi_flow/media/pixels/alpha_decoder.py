"""VP9 with transparency: FFmpeg's own decoder shows the colours only, libvpx's all of it."""

from av.codec.codec import UnknownCodecError
from av.codec.context import CodecContext
from av.video.stream import VideoStream

CODECS = {"vp9": "libvpx-vp9", "vp8": "libvpx"}
"""Decoder that sees transparency, by codec."""


def decoder_of(stream: VideoStream) -> CodecContext:
    """What decodes `stream`: its own context, or for transparent VP8 and VP9 in WebM another one."""
    marked = any(key.lower() == "alpha_mode" and value == "1" for key, value in stream.metadata.items())
    name = CODECS.get(stream.codec_context.codec.canonical_name)
    if not marked or name is None:
        return stream.codec_context
    try:
        context = CodecContext.create(name, "r")
    except UnknownCodecError:  # an FFmpeg without libvpx: the colours at least
        return stream.codec_context
    context.thread_count = stream.codec_context.thread_count
    return context
