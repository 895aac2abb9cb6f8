"""Plots as SVG, without a library: lines or points, in the colours of one legend."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

Point = tuple[float, float]

COLOURS = ("#d1495b", "#00798c", "#edae49", "#66a182", "#8d6cab", "#2e4057", "#b56b45")
WIDTH, HEIGHT, LEFT, BOTTOM, EDGE = 420, 280, 56, 44, 14
"""Of a plot and of its margins, pixels."""


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    points: Sequence[Point]
    """Joined by a line; one point alone is a dot. NaN is left out."""
    dots: bool = True
    """Whether its points show."""

    @property
    def defined(self) -> list[Point]:
        return [point for point in self.points if not any(math.isnan(value) for value in point)]


@dataclass(frozen=True, slots=True)
class Axes:
    """What the plot spans."""

    left: float
    right: float
    low: float
    high: float

    def place(self, x: float, y: float) -> Point:
        """In pixels."""
        across = LEFT + (x - self.left) / (self.right - self.left) * (WIDTH - LEFT - EDGE)
        down = HEIGHT - BOTTOM - (y - self.low) / (self.high - self.low) * (HEIGHT - BOTTOM - EDGE)
        return round(across, 1), round(down, 1)


def plot(across: str, up: str, lines: Sequence[Line], ticks: Sequence[str] | None = None) -> str:
    """The SVG, empty without any point; `across` and `up` name the axes, `ticks` the places 0, 1, ... of the first."""
    points = [point for line in lines for point in line.defined]
    if not points:
        return ""
    axes = Axes(*limits([x for x, _ in points]), *limits([y for _, y in points]))
    inks = {name: colour(number) for number, name in enumerate(dict.fromkeys(line.name for line in lines))}
    drawn = [draw_line(line, axes, inks[line.name]) for line in lines]
    content = draw_axes(axes, across, up, ticks) + "".join(drawn)
    return f'<svg width="{WIDTH}" height="{HEIGHT}" role="img">{content}</svg>'


def legend(names: Sequence[str]) -> str:
    """Which colour the lines of these names have, in their order, in every plot."""
    dots = [f'<span style="color:{colour(number)}">●</span> {escape(name)}' for number, name in enumerate(names)]
    return f"<p>{' &emsp; '.join(dots)}</p>"


def colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def limits(values: Sequence[float]) -> tuple[float, float]:
    """A little more than the values span."""
    low, high = min(values), max(values)
    margin = 0.08 * (high - low) or 0.5
    return low - margin, high + margin


def draw_line(line: Line, axes: Axes, ink: str) -> str:
    dots = [axes.place(*point) for point in line.defined]
    if not dots:
        return ""
    corners = " ".join(f"{x},{y}" for x, y in dots)
    parts = [f'<polyline points="{corners}" fill="none" stroke="{ink}" stroke-width="2"/>']
    parts += [f'<circle cx="{x}" cy="{y}" r="4" fill="{ink}"/>' for x, y in dots if line.dots]
    return "".join(parts)


def draw_axes(axes: Axes, across: str, up: str, ticks: Sequence[str] | None) -> str:
    """Lines, their names, and numbers or `ticks` along the first axis."""
    left, bottom = axes.place(axes.left, axes.low)
    right, top = axes.place(axes.right, axes.high)
    named = dict(enumerate(ticks)) if ticks else {x: f"{x:.4g}" for x in between(axes.left, axes.right)}
    parts = [rule(left, bottom, right, bottom), rule(left, bottom, left, top)]
    parts += [text((left + right) / 2, HEIGHT - 6, across, "middle"), turned_text((bottom + top) / 2, up)]
    parts += [text(axes.place(x, axes.low)[0], bottom + 16, name, "middle") for x, name in named.items()]
    for y in between(axes.low, axes.high):
        height = axes.place(axes.left, y)[1]
        parts += [rule(left, height, right, height), text(left - 6, height + 4, f"{y:.3g}", "end")]
    return "".join(parts)


def between(low: float, high: float) -> list[float]:
    """Three values inside, evenly spaced."""
    return [float(value) for value in np.linspace(low, high, 5)[1:-1]]


def rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="axis" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


def turned_text(y: float, words: str) -> str:
    """Along the left edge, read from below."""
    return f'<text transform="translate(12 {y}) rotate(-90)" text-anchor="middle">{escape(words)}</text>'
