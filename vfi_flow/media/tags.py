"""The words that go with a stream: language, title, what it is meant for."""

from av.container import OutputContainer
from av.stream import Disposition, Stream

STALE_TAGS = (
    "DURATION",
    "NUMBER_OF_FRAMES",
    "NUMBER_OF_BYTES",
    "BPS",
    "_STATISTICS",
    "ENCODER",
    "VENDOR_ID",
    "VARIANT_BITRATE",
)
"""Metadata of a stream that describes its packets, and is wrong for others."""

ROLES = (
    Disposition.forced
    | Disposition.hearing_impaired
    | Disposition.visual_impaired
    | Disposition.comment
    | Disposition.original
    | Disposition.dub
)
"""What listeners and readers choose a track for."""

# mov knows a language under one of its codes only, mostly the bibliographic one of ISO 639-2 (tried out, FFmpeg 8).
QUICKTIME_LANGUAGES = {
    "cze": "ces",
    "cym": "wel",
    "deu": "ger",
    "ell": "gre",
    "eus": "baq",
    "fas": "per",
    "fre": "fra",
    "hye": "arm",
    "isl": "ice",
    "kat": "geo",
    "mkd": "mac",
    "msa": "may",
    "nld": "dut",
    "rum": "ron",
    "slo": "slk",
    "sqi": "alb",
    "swe": "sve",
    "zho": "chi",
}


def lasting_tags(metadata: dict[str, str], format_name: str) -> dict[str, str]:
    """The tags of a stream that are still true of its copy, in the words of the container."""
    tags = {key: value for key, value in metadata.items() if not key.upper().startswith(STALE_TAGS)}
    named = next((key for key in tags if key.lower() == "name"), None)
    if named is not None and not any(key.lower() == "title" for key in tags):
        # FFmpeg reads the title of a track in mov as its name, but writes only a title.
        tags["title"] = tags.pop(named)
    if format_name == "mov" and tags.get("language") in QUICKTIME_LANGUAGES:
        tags["language"] = QUICKTIME_LANGUAGES[tags["language"]]
    return tags


def describe_like(stream: Stream, target: Stream, output: OutputContainer) -> None:
    """Give `target` the language, title and disposition of `stream`."""
    target.metadata.update(lasting_tags(stream.metadata, output.format.name))
    target.disposition = stream.disposition


def roles_of(stream: Stream) -> Disposition:
    return stream.disposition & ROLES
