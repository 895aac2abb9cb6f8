"""What HDR10 says about light: the display a film was graded on, and how bright it gets."""

import struct
from dataclasses import dataclass
from fractions import Fraction

import av
from av.sidedata.sidedata import Type as SideData

from vfi_flow.media.description import value_of
from vfi_flow.media.side_data import side_data

DOLBY_VISION = "DOVI configuration record"

PQ, HLG = 16, 18
"""Transfer characteristics of HDR (ISO/IEC 23091-2)."""

Point = tuple[float, float]
"""CIE 1931 x and y."""


@dataclass(frozen=True, slots=True)
class Light:
    """SMPTE ST 2086 and CTA-861.3; None and 0 for what is not said."""

    red: Point | None = None
    green: Point | None = None
    blue: Point | None = None
    white: Point | None = None
    brightest: float = 0.0
    """Of the display, in cd/m2."""
    darkest: float = 0.0
    max_content: int = 0
    """Brightest pixel of the film, in cd/m2 (MaxCLL)."""
    max_average: int = 0
    """Brightest frame's mean (MaxFALL)."""

    @property
    def has_display(self) -> bool:
        return self.red is not None and self.brightest > 0


def light_of(picture: av.VideoFrame) -> Light | None:
    """What the frame carries as side data; None where that is nothing."""
    display = side_data(picture, SideData.MASTERING_DISPLAY_METADATA)
    content = side_data(picture, SideData.CONTENT_LIGHT_LEVEL)
    if display is None and content is None:
        return None
    max_content, max_average = struct.unpack_from("<2I", content) if content is not None else (0, 0)
    if display is None:
        return Light(max_content=max_content, max_average=max_average)
    # AVMasteringDisplayMetadata: ten rationals, then whether colours and brightness are given.
    values = struct.unpack_from("<20i2i", display)
    numbers = [float(Fraction(values[i], values[i + 1])) if values[i + 1] else 0.0 for i in range(0, 20, 2)]
    has_colours, has_brightness = values[20:]
    red, green, blue, white = ((numbers[i], numbers[i + 1]) if has_colours else None for i in range(0, 8, 2))
    darkest, brightest = numbers[8:] if has_brightness else (0.0, 0.0)
    return Light(red, green, blue, white, brightest, darkest, max_content, max_average)


def dynamic_light(lines: tuple[str, ...], picture: av.VideoFrame) -> str | None:
    """The name of what a stream with this description (`described`) and first picture says of light frame by frame."""
    if value_of(lines, DOLBY_VISION) is not None:
        return "Dolby Vision"
    return "HDR10+" if side_data(picture, SideData.DYNAMIC_HDR_PLUS) is not None else None


def needs_dolby_vision(lines: tuple[str, ...]) -> bool:
    """Whether the pixels are in Dolby's own colour space (profile 5), not in one that others show as well."""
    return "profile: 5," in (value_of(lines, DOLBY_VISION) or "")


def light_options(codec: str, light: Light) -> dict[str, str]:
    """Options by which an encoder writes `light` into its stream; none for an encoder that cannot."""
    writer = WRITERS.get(codec)
    return writer(light) if writer is not None else {}


def x265_options(light: Light) -> dict[str, str]:
    parameters = ["hdr10=1", "repeat-headers=1"]
    if light.has_display:
        points = "".join(
            f"{name}({','.join(str(round(value * 50_000)) for value in point or (0, 0))})"
            for name, point in display_points(light)
        )
        brightness = f"L({round(light.brightest * 10_000)},{round(light.darkest * 10_000)})"
        parameters.append(f"master-display={points}{brightness}")
    if light.max_content or light.max_average:
        parameters.append(f"max-cll={light.max_content},{light.max_average}")
    return {"x265-params": ":".join(parameters)}


def svtav1_options(light: Light) -> dict[str, str]:
    parameters = []
    if light.has_display:
        points = "".join(
            f"{name}({','.join(f'{value:.5f}' for value in point or (0, 0))})" for name, point in display_points(light)
        )
        parameters.append(f"mastering-display={points}L({light.brightest:.4f},{light.darkest:.4f})")
    if light.max_content or light.max_average:
        parameters.append(f"content-light={light.max_content},{light.max_average}")
    return {"svtav1-params": ":".join(parameters)} if parameters else {}


def display_points(light: Light) -> tuple[tuple[str, Point | None], ...]:
    return ("G", light.green), ("B", light.blue), ("R", light.red), ("WP", light.white)


WRITERS = {"libx265": x265_options, "libsvtav1": svtav1_options}
