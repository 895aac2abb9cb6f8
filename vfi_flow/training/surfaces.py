"""What synthetic layers are painted with: photos, smooth surfaces, repeated patterns, pages of text, shapes, lines.

Every picture is (h, w, 3) uint8 RGB, every mask (h, w) uint8; `density` is texels per output pixel.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from vfi_flow.errors import InputError

LONGEST_SIDE = 1024
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
LETTERS = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_PLAIN,
)

log = logging.getLogger(__name__)


def read_stills(folder: Path) -> list[np.ndarray]:
    """All photos of `folder` (searched recursively), at most `LONGEST_SIDE` pixels long."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of photos")
    stills = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()):
        picture = cv2.imdecode(np.frombuffer(path.read_bytes() or b"\0", np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            log.warning("%s: not a readable picture, left out", path)
            continue
        shrink = LONGEST_SIDE / max(picture.shape)
        if shrink < 1:
            picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        stills.append(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    if not stills:
        raise InputError(f"{folder}: no readable photo (looked for {', '.join(sorted(SUFFIXES))})")
    return stills


def dead_leaves(rng: np.random.Generator, size: int = 480) -> np.ndarray:
    """Occluding ellipses of all sizes under fine noise: edges and contrast are distributed as in photos."""
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = rng.integers(0, 256, 3)
    radii = np.sort(1 / rng.uniform(1 / (0.4 * size), 1 / 4, 400))[::-1]
    for radius in radii:
        centre = rng.uniform(0, 16 * size, 2).astype(int)
        axes = (16 * radius * rng.uniform(0.3, 1, 2)).astype(int)
        colour = rng.integers(0, 256, 3).tolist()
        cv2.ellipse(
            picture, centre.tolist(), axes.tolist(), rng.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA, shift=4
        )
    fine = cloud(rng, size, size, cells=size // 3) - 0.5
    return np.clip(picture + 40 * fine[..., None], 0, 255).astype(np.uint8)


def cloud(rng: np.random.Generator, height: int, width: int, cells: float) -> np.ndarray:
    """(height, width) float32 in [0, 1]: smooth noise with about `cells` bumps along the longer side."""
    pitch = max(height, width) / max(cells, 1)
    rows, columns = (max(2, round(side / pitch) + 1) for side in (height, width))
    coarse = rng.random((rows, columns), np.float32)
    return np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)


def cut(rng: np.random.Generator, stills: Sequence[np.ndarray], width: int, height: int, density: float) -> np.ndarray:
    """A random part of a random photo as (height, width) texels, without detail that `density` 1 cannot show."""
    still = stills[int(rng.integers(len(stills)))]
    if rng.random() < 0.2:
        still = still.transpose(1, 0, 2)
    still = still[:, :: rng.choice((-1, 1))]
    shown_width, shown_height = max(1, round(width / density)), max(1, round(height / density))
    most = min(still.shape[1] / shown_width, still.shape[0] / shown_height)
    scale = min(most, rng.uniform(0.7, 2.2))  # photo pixels per output pixel
    part_width, part_height = (max(2, int(scale * side)) for side in (shown_width, shown_height))
    x = rng.integers(0, max(1, still.shape[1] - part_width + 1))
    y = rng.integers(0, max(1, still.shape[0] - part_height + 1))
    part = np.ascontiguousarray(still[y : y + part_height, x : x + part_width])
    if scale > 1.25:
        part = cv2.resize(part, (shown_width, shown_height), interpolation=cv2.INTER_AREA)
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)


def gradient(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A flat colour, or one that runs slowly into another."""
    first, second = rng.uniform(0, 255, (2, 3))
    angle, reach = rng.uniform(0, 2 * np.pi), rng.choice((0, 0.3, 1))
    place = np.linspace(0, 1, 17)
    slope = 0.5 + 0.35 * (np.cos(angle) * (2 * place - 1) + np.sin(angle) * (2 * place[:, None] - 1))
    small = (first + (second - first) * reach * slope[..., None]).astype(np.float32)
    return np.clip(cv2.resize(small, (width, height)), 0, 255).astype(np.uint8)


def smooth(rng: np.random.Generator, stills: Sequence[np.ndarray], width: int, height: int) -> np.ndarray:
    """(height, width, 3) float32: a surface of low contrast, a photo out of focus or soft shading, hardly textured.

    Not rounded to bytes: steps between levels would be contours that move along, which no camera sees.
    """
    if rng.random() < 0.5:
        still = stills[int(rng.integers(len(stills)))]
        cells = int(rng.integers(4, 14))
        small = cv2.resize(still, (cells, cells), interpolation=cv2.INTER_AREA).astype(np.float32)
        surface = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    else:
        shading = cloud(rng, height, width, rng.uniform(2, 8))[..., None]
        first, second = rng.uniform(20, 235, (2, 3)).astype(np.float32)
        surface = first + (second - first) * shading
    surface = surface.mean((0, 1)) + (surface - surface.mean((0, 1))) * np.float32(rng.uniform(0.15, 1))
    texture = cloud(rng, height, width, cells=max(width, height) / rng.uniform(3, 12)) - 0.5
    surface += texture[..., None] * np.float32(2 ** rng.uniform(-1, 3.5))
    return np.clip(surface, 0, 255)


def pattern(rng: np.random.Generator, width: int, height: int, period: float) -> np.ndarray:
    """(height, width) uint8, black and white, repeated every `period` texels along both of its axes."""
    angle = rng.choice((0.0, rng.uniform(0, np.pi)))
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    u = (np.cos(angle) * x + np.sin(angle) * y) / period + 100
    v = (np.cos(angle) * y - np.sin(angle) * x) / period * rng.choice((1, 1.6)) + 100
    kind = rng.choice(("checker", "stripes", "waves", "grid", "dots", "bricks"))
    if kind == "checker":
        value = ((u % 1 < 0.5) ^ (v % 1 < 0.5)) + 0.0
    elif kind == "stripes":
        value = (u % 1 < rng.uniform(0.2, 0.8)) + 0 * v
    elif kind == "waves":
        value = 0.5 + 0.5 * np.sin(2 * np.pi * u) + 0 * v
    elif kind == "grid":
        value = ((u % 1 < 0.15) | (v % 1 < 0.15)) + 0.0
    elif kind == "dots":
        value = ((u % 1 - 0.5) ** 2 + (v % 1 - 0.5) ** 2 < 0.09) + 0.0
    else:
        value = (((u + 0.5 * (np.floor(v) % 2)) % 1 < 0.08) | (v % 1 < 0.12)) + 0.0
    return cv2.blur((255 * value).astype(np.uint8), (3, 3))


def tinted(rng: np.random.Generator, grey: np.ndarray) -> np.ndarray:
    """A grey picture between two random colours that can be told apart."""
    first = rng.uniform(0, 255, 3)
    second = np.where(rng.random(3) < 0.5, 255 - first, first + rng.uniform(-60, 60, 3))
    span = np.linspace(first, np.clip(second, 0, 255), 256)
    return span[grey].astype(np.uint8)


def shape(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Mask of an ellipse, blob, polygon, star or rectangle that nearly fills the picture; edges about 2 texels soft."""
    mask = np.zeros((height, width), np.uint8)
    kind = rng.choice(("ellipse", "blob", "polygon", "star", "rectangle"))
    sides, spikes = int(rng.integers(3, 9)), int(rng.integers(4, 8))
    count = {"ellipse": 60, "blob": 72, "polygon": sides, "star": 2 * spikes, "rectangle": 4}[kind]
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(0, 2 * np.pi)
    radius = np.ones_like(angles)
    if kind == "blob":
        for order in range(2, 6):
            radius += rng.uniform(0, 0.6) / order * np.sin(order * angles + rng.uniform(0, 2 * np.pi))
    elif kind == "polygon":
        radius = rng.uniform(0.5, 1, angles.size)
    elif kind == "star":
        radius[::2] = rng.uniform(0.2, 0.7)
    radius = radius / radius.max()
    reach = np.array([width, height]) / 2 - 4
    points = np.stack([np.cos(angles), np.sin(angles)], -1) * radius[:, None] * reach + reach + 4
    if kind == "rectangle" and rng.random() < 0.7:
        points = np.array([[4, 4], [width - 5, 4], [width - 5, height - 5], [4, height - 5]])
    cv2.fillPoly(mask, [(16 * points).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return cv2.blur(mask, (3, 3))


def strokes(rng: np.random.Generator, width: int, height: int, density: float) -> np.ndarray:
    """Mask of thin lines: wires, branches, grass, 0.5 to 2 output pixels thick."""
    mask = np.zeros((height, width), np.uint8)
    main = rng.uniform(0, np.pi)
    for _ in range(rng.integers(3, 14)):
        angle = main + rng.normal(0, rng.choice((0.05, 1.0)))
        start = rng.uniform(0, 1, 2) * (width, height)
        steps = np.cumsum(rng.normal(0, 0.05, 12)) + angle
        path = start + np.cumsum(np.stack([np.cos(steps), np.sin(steps)], -1) * max(width, height) / 10, 0)
        thickness = max(1, round(density * rng.uniform(0.5, 2)))
        cv2.polylines(mask, [(16 * path).astype(np.int32)], False, 255, thickness, cv2.LINE_AA, shift=4)
    return cv2.GaussianBlur(mask, (3, 3), 0)


def fence(rng: np.random.Generator, width: int, height: int, period: float) -> np.ndarray:
    """Mask of bars or meshes, a bar every `period` texels."""
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    angle = rng.choice((0.0, np.pi / 2, np.pi / 4, rng.uniform(0, np.pi)))
    u = (np.cos(angle) * x + np.sin(angle) * y) / period + 100
    v = (np.cos(angle) * y - np.sin(angle) * x) / period + 100
    share = rng.uniform(0.12, 0.45)
    bars = u % 1 < share
    if rng.random() < 0.5:
        bars = bars | (v % 1 < share)
    return cv2.blur((255 * (bars | (0 * v > 1))).astype(np.uint8), (3, 3))


def words(rng: np.random.Generator, count: int) -> str:
    """Nonsense in the rhythm of a text: words, capitals, numbers, stops."""
    said = []
    for _ in range(count):
        skewed = (rng.random(rng.integers(1, 11)) ** 1.7 * LETTERS.size).astype(int)
        word = "".join(LETTERS[skewed])
        mood = rng.random()
        if mood < 0.12:
            word = word.capitalize()
        elif mood < 0.18:
            word = str(rng.integers(0, 10 ** rng.integers(1, 6)))
        elif mood < 0.26:
            word += rng.choice(list(",.;:!?)"))
        said.append(word)
    return " ".join(said)


def write(
    picture: np.ndarray, text: str, x: int, baseline: int, height: float, colour: Sequence[int], font: int, bold: int
) -> None:
    """Draw `text` with capitals `height` texels high."""
    # The Hershey fonts are about 21 units high at scale 1, the plain one 10.
    scale = height / (10 if font == cv2.FONT_HERSHEY_PLAIN else 21)
    cv2.putText(picture, text, (x, baseline), font, scale, colour, bold, cv2.LINE_AA)


def page(rng: np.random.Generator, stills: Sequence[np.ndarray], width: int, height: int, density: float) -> np.ndarray:
    """A page as on a screen: paragraphs or code, headings, rules, boxes, pictures, hard edges; light or dark."""
    dark = rng.random() < 0.35
    ground = rng.integers(0, 60, 3) if dark else rng.integers(215, 256, 3)
    ink = (rng.integers(170, 256, 3) if dark else rng.integers(0, 90, 3)).tolist()
    accent = rng.integers(40, 216, 3).tolist()
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = ground
    font, letter = int(rng.choice(FONTS)), density * rng.uniform(5, 13)
    pitch = int(letter * rng.uniform(1.6, 2.4)) + 1
    code, left = rng.random() < 0.25, int(rng.uniform(-40, 24) * density)
    y = int(rng.integers(0, pitch))
    while y < height + pitch:
        kind, count = rng.random(), int(width / letter / 4) + 3
        if kind < 0.72:
            colour = accent if code and rng.random() < 0.3 else ink
            indent = int(rng.integers(0, 5) * letter * 2) if code else 0
            count = int(rng.integers(1, count)) if code or rng.random() < 0.2 else count
            write(picture, words(rng, count), left + indent, y, letter, colour, font, 1)
        elif kind < 0.80:
            y += pitch // 2
            write(picture, words(rng, 4), left, y, 1.5 * letter, accent if rng.random() < 0.5 else ink, font, 2)
            y += pitch // 2
        elif kind < 0.84:
            cv2.rectangle(picture, (0, y), (width, y), accent, int(density))
        elif kind < 0.88:
            y += box(rng, stills, picture, y, letter, density)
        y += pitch
    return picture


def soften(picture: np.ndarray, density: float) -> np.ndarray:
    """Hard edges without the detail that only the denser texels can hold; unchanged at density 1."""
    return picture if density == 1 else cv2.GaussianBlur(picture, (3, 3), 0)


def box(
    rng: np.random.Generator, stills: Sequence[np.ndarray], picture: np.ndarray, y: int, letter: float, density: float
) -> int:
    """Put a picture or a row of buttons on a page at height `y`; returns how many texels of height it takes."""
    high = int(rng.uniform(2, 7) * letter)
    x = int(rng.integers(0, picture.shape[1] // 2))
    wide = int(rng.uniform(0.2, 0.6) * picture.shape[1])
    room = picture[y : y + high, x : x + wide]
    if room.size and rng.random() < 0.5:
        room[:] = cut(rng, stills, room.shape[1], room.shape[0], density)
    else:
        fill, edge = rng.integers(0, 256, (2, 3)).tolist()
        cv2.rectangle(picture, (x, y), (x + wide, y + high), fill, -1)
        cv2.rectangle(picture, (x, y), (x + wide, y + high), edge, int(density))
        write(picture, words(rng, 1), x + int(letter), y + high // 2, letter, edge, int(rng.choice(FONTS)), 1)
    return high


def with_alpha(picture: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """(h, w, 4) of the picture's type; fully opaque without a mask."""
    alpha = np.full(picture.shape[:2], 255, picture.dtype) if mask is None else mask.astype(picture.dtype)
    return np.dstack([picture, alpha])
