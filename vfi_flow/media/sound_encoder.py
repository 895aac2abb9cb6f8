"""Sound that must be encoded again: by which encoder, and how it is told."""

from functools import partial

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer

from vfi_flow.media.container import Form
from vfi_flow.media.tags import describe_like

SOUND_ENCODERS = ("aac", "flac", "libopus")
"""Tried in this order where a codec has no encoder or the container does not hold it."""

PLAIN_SOUND = {"s16": "pcm_s16le", "s16p": "pcm_s16le", "s32": "pcm_s24le", "s32p": "pcm_s24le"}
"""What keeps every bit of uncompressed sound in Matroska, by what it is decoded to. PyAV writes no G.711 there."""

OWN_LAYOUTS = {
    "aac": {"5.0(side)": "5.0", "5.1(side)": "5.1"},
    "libopus": dict.fromkeys(("2.1", "3.1", "4.0", "4.1", "5.0", "5.0(side)", "5.1(side)"), "5.1")
    | dict.fromkeys(("7.1(wide)", "7.1(wide-side)"), "7.1"),
}
"""What an encoder knows instead of a layout: one with every channel of it. Film sound mostly is 5.1(side). FFmpeg 8
mixes up the channels of 5.0 in Opus."""

USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""By number of channels, as FFmpeg guesses."""

BITS_PER_CHANNEL, MOST_BITS = 96_000, 256_000
"""Bits per second and channel of sound that is encoded again: where it does not tell its own bit rate, and at most, as
raw sound has more than an encoder takes."""


def layout_of(stream: AudioStream) -> str:
    """Its channel layout by name; raw sound in Matroska and AVI says only how many channels there are."""
    name, channels = stream.layout.name, stream.layout.nb_channels
    return USUAL_LAYOUTS.get(channels, name) if name == f"{channels} channels" else name


def sound_encoder(stream: AudioStream, form: Form) -> str | None:
    """An encoder for `stream` that opens and fits into the format: of its own codec where possible."""
    own, plain = stream.codec_context.codec.canonical_name, None
    if form.name == "matroska" and own.startswith("pcm_"):
        plain = PLAIN_SOUND.get(stream.codec_context.format.name)
    for name in filter(None, (own, plain, *SOUND_ENCODERS)):
        if form.holds(name.removeprefix("lib"), partial(add_sound, stream=stream, encoder=name)):
            return name
    return None


def add_sound(output: OutputContainer, stream: AudioStream, encoder: str) -> AudioStream:
    """A stream of `output` for the sound of `stream`, encoded anew by `encoder`."""
    source = stream.codec_context
    codec = av.Codec(encoder, "w")
    rates = codec.audio_rates or [source.sample_rate]
    rate = source.sample_rate if source.sample_rate in rates else 48000
    target = output.add_stream(codec.name, rate=rate)
    assert isinstance(target, AudioStream)
    layout = layout_of(stream)
    target.codec_context.layout = OWN_LAYOUTS.get(encoder, {}).get(layout, layout)
    known = codec.audio_formats or []
    if source.format is None and known:  # the sound begins late: nobody has seen how many bits it has
        target.codec_context.format = max(known, key=lambda sample_format: sample_format.bytes).name
    elif source.format is not None and source.format.name in [sample_format.name for sample_format in known]:
        target.codec_context.format = source.format.name
    channels = source.layout.nb_channels
    target.codec_context.bit_rate = min(source.bit_rate or BITS_PER_CHANNEL * channels, MOST_BITS * channels)
    describe_like(stream, target, output)
    target.codec_context.open()
    if codec.name == "libmp3lame":  # others look at their bit rate while they encode
        hide_bit_rate(target, output)
    return target


def hide_bit_rate(target: AudioStream, output: OutputContainer) -> None:
    """Say nothing of it in NUT: FFmpeg makes codes for frames of this bit rate, and most frames of a video are lost
    where that of MP3 is a little off."""
    if output.format.name == "nut":
        target.codec_context.bit_rate = 0
