"""YUV <-> RGB with the frame's own matrix and range, so that new frames match the ones beside them."""

from dataclasses import dataclass, replace

import av
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream

from vfi_flow.errors import InputError
from vfi_flow.media.pixels import exact_colour
from vfi_flow.media.pixels.light import Light, light_of
from vfi_flow.media.pixels.linear_light import LINEAR, SRGB, decoding, encoding, on_light
from vfi_flow.media.pixels.samples import bits_of, has_alpha, is_float, readable_format

RGB = 0
BT709 = 1
UNSPECIFIED = 2
SMPTE170M = 6
LIMITED = 1
FULL = 2

BT601 = (5, SMPTE170M)

SCALER_MATRIX = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}
"""Matrices that swscale converts: number in the file -> number in swscale (601 has two names in files)."""

# swscale's default is fast and biased: 8-bit 4:2:0 -> RGB -> 4:2:0 darkens luma by 1.1 code values on average, which
# shows as a pulse between original and new frames. With these flags the mean error on flat colours is 0 and on
# photographs 0.002, for 4 ms instead of 2 ms of CPU time per 1280x720 frame.
EXACT = (
    Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)

# To full range swscale rounds chroma down, half a code value too low on average: there chroma comes from 16 bits.
SIXTEEN_BITS = {
    f"{prefix}{ratio}p": f"yuv{ratio}p16le" for prefix in ("yuv", "yuvj") for ratio in ("420", "422", "444")
}


@dataclass(frozen=True, slots=True)
class Colour:
    """How the numbers of a picture are meant; the codes are those of ISO/IEC 23091-2 (H.273), as FFmpeg uses them."""

    matrix: int
    range: int
    """1 limited ("tv"), 2 full ("pc")."""
    primaries: int
    transfer: int
    assumed: bool = False
    """The file does not say its matrix; it was taken from the height."""
    chroma_location: str | None = None
    """Where chroma lies, by FFmpeg's name, as far as the file says it."""
    light: Light | None = None
    """HDR10's static metadata."""


def colour_of(picture: av.VideoFrame, chroma_location: str | None = None) -> Colour:
    """What the frame says about itself; where it is silent: BT.709 from 720 lines on, else BT.601; limited range."""
    if picture.format.name.startswith("xyz"):
        raise InputError(f"pixel format {picture.format.name} (CIE XYZ) is not supported; convert it with ffmpeg first")
    primaries, transfer, light = picture.color_primaries, picture.color_trc, light_of(picture)
    if picture.format.is_rgb or picture.format.name == "pal8":
        return Colour(RGB, FULL, primaries, transfer, light=light)
    untagged_grey = picture.color_range == 0 and picture.format.name.startswith(("gray", "ya"))  # full in FFmpeg
    full = picture.color_range == FULL or picture.format.name.startswith("yuvj") or untagged_grey
    matrix = picture.colorspace
    assumed = False
    if matrix in (RGB, UNSPECIFIED):
        matrix = matrix_for(picture.height)
        assumed = len([c for c in picture.format.components if not c.is_alpha]) > 1  # grey needs none
    if matrix not in SCALER_MATRIX:
        raise InputError(f"colour matrix {matrix} is not supported; supported are {sorted(SCALER_MATRIX)}")
    return Colour(matrix, FULL if full else LIMITED, primaries, transfer, assumed, chroma_location, light)


def with_tags_of(stream: VideoStream, picture: av.VideoFrame) -> av.VideoFrame:
    """`picture` with the stream's tags where it has none of its own: libvpx's decoder knows of none."""
    context = stream.codec_context
    if picture.color_range == 0:
        picture.color_range = context.color_range
    for tag in ("colorspace", "color_primaries", "color_trc"):
        if getattr(picture, tag) == UNSPECIFIED:
            setattr(picture, tag, getattr(context, tag))
    return picture


@dataclass(frozen=True, slots=True)
class Range:
    """Full or limited, as the first picture of a video is, for those after it that say otherwise.

    So it is where recordings of two cameras were joined. Some decoders give delayed pictures without a tag the tag of
    those that follow; so tags count only where the first picture has one, otherwise names of formats (yuvj420p).
    """

    pix_fmt: str
    tag: int
    """1 limited, 2 full, 0 untagged."""

    def of(self, pix_fmt: str, tag: int) -> int:
        return (tag if self.tag else 0) or (FULL if pix_fmt.startswith("yuvj") else LIMITED)

    def applied(self, picture: av.VideoFrame) -> av.VideoFrame:
        """`picture` converted to the range of the first one; itself where it has that."""
        name = picture.format.name
        found, wanted = self.of(name, picture.color_range), self.of(self.pix_fmt, self.tag)
        if found == wanted or not (name.startswith("yuv") and self.pix_fmt.startswith("yuv")):
            return picture
        family = "yuvj" if self.pix_fmt.startswith("yuvj") else "yuv"
        name = family + name.removeprefix("yuv").removeprefix("j")
        changed = picture.reformat(format="rgb24", threads=1).reformat(format=name, threads=1)  # with the side data
        exact_colour.fill(changed, exact_colour.floats_of(picture, found), wanted)
        changed.color_range = wanted
        return changed


def matrix_for(height: int) -> int:
    """The matrix that players assume for an untagged video."""
    return BT709 if height >= 720 else SMPTE170M


def colour_in(pix_fmt: str, source: Colour, height: int, is_jpeg: bool = False, from_floats: bool = False) -> Colour:
    """`source` as a picture of format `pix_fmt` expresses it; a change between RGB and YUV, or floats, changes it.

    A JPEG file has no words for it: BT.601 in full range is what readers take it for. Floats (`from_floats`: those of
    the source) are linear light, and whole numbers made of them are sRGB.
    """
    if is_float(pix_fmt):
        source = replace(source, transfer=LINEAR)
    elif from_floats:
        source = replace(source, transfer=SRGB)
    if is_jpeg:
        return replace(source, matrix=source.matrix if source.matrix in BT601 else SMPTE170M, range=FULL)
    to_rgb = av.VideoFormat(pix_fmt).is_rgb
    if to_rgb == (source.matrix == RGB):
        return replace(source, range=FULL) if pix_fmt.startswith("yuvj") else source
    if to_rgb:
        return replace(source, matrix=RGB, range=FULL, chroma_location=None)
    return replace(source, matrix=matrix_for(height), range=FULL if pix_fmt.startswith("yuvj") else LIMITED)


class Converter:
    """Converts the pictures of one video; every direction keeps a state of swscale's.

    `to_rgb` and `to_target` belong to one thread, `from_rgb` to one that may be another. The first `to_target` comes
    before any `from_rgb`, which takes the side data of that picture.
    """

    def __init__(self, source: Colour, pix_fmt: str, target: Colour, shares_side_data: bool = False) -> None:
        """`source` tells how decoded pictures are meant; results are in `pix_fmt` and `target`.

        `shares_side_data`: new pictures carry what the first decoded one does: its colour profile, its EXIF.
        """
        self.source = source
        self._shares_side_data = shares_side_data
        self._carrier: av.VideoFrame | None = None
        self._from_carrier = VideoReformatter()
        self.pix_fmt = pix_fmt
        self.target = target
        # Where nothing but the format changes, the model may see limited range as if it were full: white is 235 then,
        # and what cameras record above it and below black is not clipped in new frames only.
        keeps = (source.matrix, source.range, source.transfer) == (target.matrix, target.range, target.transfer)
        self._source_range, self._target_range = (FULL, FULL) if keeps else (source.range, target.range)
        self._to_rgb = VideoReformatter()
        self._from_rgb = VideoReformatter()
        self._fine_from_rgb = VideoReformatter()
        self._change_format = VideoReformatter()

    def to_rgb(self, picture: av.VideoFrame) -> np.ndarray:
        """(H, W, 3) RGB, gamma-encoded; (H, W, 4) with straight alpha where source and result have it.

        uint8 where both have 8 bits and no transparency, otherwise uint16.
        """
        if self._is_exact(picture.format.name):
            channels = exact_colour.with_rgb(exact_colour.floats_of(picture, self._source_range), self.source.matrix)
            channels = on_light(channels, encoding(self.source.transfer, self.target.transfer))
            alpha = has_alpha(picture.format.name) and has_alpha(self.pix_fmt)
            return exact_colour.to_array(channels, alpha)
        rgb = self._to_rgb.reformat(
            picture,
            format="rgb24",
            src_colorspace=SCALER_MATRIX.get(self.source.matrix),
            src_color_range=self._source_range,
            dst_color_range=FULL,
            interpolation=EXACT,
            threads=1,
        )
        return rgb.to_ndarray()

    def from_rgb(self, array: np.ndarray) -> av.VideoFrame:
        """Picture of format `pix_fmt` from an array such as `to_rgb` gives."""
        if array.dtype == np.uint16:
            channels = on_light(exact_colour.from_array(array), decoding(self.source.transfer, self.target.transfer))
            channels = exact_colour.in_model_of(channels, RGB, self.pix_fmt, self.target.matrix)
            picture = self._exact_picture(channels, self._target_range)
            return picture if self._carrier is None else self._with_side_data(picture)
        rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(array), "rgb24")
        picture = self._converted_from_rgb(rgb, self._from_rgb, self.pix_fmt)
        if self._target_range == FULL and self.pix_fmt in SIXTEEN_BITS:
            fine = self._converted_from_rgb(rgb, self._fine_from_rgb, SIXTEEN_BITS[self.pix_fmt])
            for plane, fine_plane in zip(picture.planes[1:], fine.planes[1:], strict=True):
                values = rows_of(fine_plane, np.uint16)
                rows_of(plane, np.uint8)[:] = (np.minimum(values, 0xFF7F) + 0x80) >> 8
        return self._tagged(picture if self._carrier is None else self._with_side_data(picture))

    def _with_side_data(self, picture: av.VideoFrame) -> av.VideoFrame:
        """The same pixels with the carrier's side data: PyAV attaches none, but keeps it in conversions."""
        assert self._carrier is not None
        carried = self._from_carrier.reformat(self._carrier, format=self.pix_fmt)
        for plane, source in zip(carried.planes, picture.planes, strict=True):
            length = min(plane.line_size, source.line_size)
            bytes_of(plane)[:, :length] = bytes_of(source)[:, :length]
        return carried

    def _converted_from_rgb(self, rgb: av.VideoFrame, scaler: VideoReformatter, pix_fmt: str) -> av.VideoFrame:
        return scaler.reformat(
            rgb,
            format=pix_fmt,
            src_color_range=FULL,
            dst_colorspace=SCALER_MATRIX.get(self.target.matrix),
            dst_color_range=self._target_range,
            interpolation=EXACT,
            threads=1,
        )

    def to_target(self, picture: av.VideoFrame) -> av.VideoFrame:
        """The picture itself where it has the target's format already, otherwise converted without a detour."""
        if self._shares_side_data and self._carrier is None:
            self._carrier = picture.reformat(format="rgb24" if self.pix_fmt != "rgb24" else "gbrp")
        same_colour = (self.source.matrix, self.source.range) == (self.target.matrix, self.target.range)
        if picture.format.name == self.pix_fmt and same_colour:
            return picture
        rounds_chroma_down = self.target.range == FULL and self.pix_fmt in SIXTEEN_BITS
        if self._is_exact(picture.format.name) or (rounds_chroma_down and readable_format(picture.format.name)):
            channels = exact_colour.floats_of(picture, self.source.range)
            if (self.source.transfer == LINEAR) != (self.target.transfer == LINEAR):
                channels = exact_colour.with_rgb(channels, self.source.matrix)
                channels = on_light(channels, encoding(self.source.transfer, self.target.transfer))
                channels = on_light(channels, decoding(self.source.transfer, self.target.transfer))
            channels = exact_colour.in_model_of(channels, self.source.matrix, self.pix_fmt, self.target.matrix)
            return self._exact_picture(channels, self.target.range)
        changed = self._change_format.reformat(
            picture,
            format=self.pix_fmt,
            src_colorspace=SCALER_MATRIX.get(self.source.matrix),
            src_color_range=self.source.range,
            dst_colorspace=SCALER_MATRIX.get(self.target.matrix),
            dst_color_range=self.target.range,
            interpolation=EXACT,
            threads=1,
        )
        return self._tagged(changed)

    def _is_exact(self, pix_fmt: str) -> bool:
        """Whether conversion from or to `pix_fmt` leaves swscale: more than 8 bits or transparency are in it."""
        formats = {pix_fmt, self.pix_fmt}
        needs = any(bits_of(name) > 8 or has_alpha(name) for name in formats)
        return needs and all(map(readable_format, formats))

    def _exact_picture(self, channels: dict[str, exact_colour.Plane], range_: int) -> av.VideoFrame:
        return self._tagged(exact_colour.picture_of(channels, self.pix_fmt, range_))

    def _tagged(self, picture: av.VideoFrame) -> av.VideoFrame:
        picture.colorspace, picture.color_range = self.target.matrix, self.target.range
        picture.color_primaries, picture.color_trc = self.target.primaries, self.target.transfer
        return picture


def bytes_of(plane: VideoPlane) -> np.ndarray:
    """(height, line size) view of a plane with its padding; writing to it writes to the picture."""
    return np.frombuffer(plane, np.uint8)[: plane.height * plane.line_size].reshape(plane.height, -1)  # type: ignore[call-overload]


def rows_of(plane: VideoPlane, dtype: type[np.uint8] | type[np.uint16]) -> np.ndarray:
    """(height, width) view of a plane's samples; writing to it writes to the picture."""
    samples = np.frombuffer(plane, dtype)  # type: ignore[call-overload]
    return samples.reshape(plane.height, -1)[:, : plane.width]
