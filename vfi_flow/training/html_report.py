"""The results of an evaluation as one page that opens without a network: tables, plots, and where the method errs."""

import base64
from collections.abc import Sequence
from html import escape

from vfi_flow.training import metrics
from vfi_flow.training.contact_sheet import to_png
from vfi_flow.training.evaluate import Pictured, worst
from vfi_flow.training.frame import Frame
from vfi_flow.training.plots import Line, Point, legend, plot
from vfi_flow.training.report import HEADINGS, Report, Table, bin_name, tables, used_bins

PICTURES = 10

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #888; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1180px; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums; display: block;
  overflow-x: auto; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
svg .axis { stroke: var(--line); }
.place { margin: 1.5rem 0 2.5rem; }
.row { display: flex; flex-wrap: wrap; gap: .5rem; }
figure { margin: 0; } figcaption { color: var(--soft); }
.pair { position: relative; display: inline-block; line-height: 0; --at: 50%; }
.pair img { width: min(720px, 100%); image-rendering: pixelated; }
.pair img + img { position: absolute; inset: 0; clip-path: inset(0 0 0 var(--at)); }
.place input { width: min(720px, 100%); display: block; }
"""

SCRIPT = """
for (const place of document.querySelectorAll('.place')) {
  const [left, right] = place.querySelectorAll('.pair img');
  const [pick, other] = place.querySelectorAll('select');
  const shown = name => place.querySelector(`.row img[alt="${CSS.escape(name)}"]`).src;
  const show = () => { left.src = shown(pick.value); right.src = shown(other.value); };
  pick.onchange = other.onchange = show;
  show();
  const slider = place.querySelector('input');
  slider.oninput = () => place.querySelector('.pair').style.setProperty('--at', slider.value + '%');
}
"""


def to_html(report: Report) -> str:
    """The page, with everything it shows inside."""
    title = "Frames made again, compared with the truth"
    settings = ", ".join(f"{key}: {in_words(value)}" for key, value in report.settings.items())
    pictures = worst([picture for clip in report.clips for picture in clip.pictures], PICTURES)
    parts = [
        f"<h1>{title}</h1><p>{escape(settings)}</p>",
        *(as_table(table) for table in tables(report)),
        f'<h2>Plots</h2>{legend(report.methods)}<div class="plots">{"".join(plots(report))}</div>',
    ]
    if pictures:
        first, *_ = report.methods
        against = " against the others" if len(report.methods) > 1 else ""
        parts.append(f"<h2>Where {escape(first)} does worst{against}</h2>")
        parts += [as_place(picture) for picture in pictures]
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    body = f"{''.join(parts)}<script>{SCRIPT}</script>"
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def in_words(value: object) -> str:
    return " ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else str(value)


def as_table(table: Table) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

    rows = "".join(row(cells, "td") for cells in table.rows)
    return f"<h2>{escape(table.title)}</h2><table>{row(table.header, 'th')}{rows}</table>"


def plots(report: Report) -> list[str]:
    """Quality by motion, distortion against perception, quality against cost."""
    bins = used_bins(report)
    by_motion = [
        Line(name, [(place, motion_score(report, name, low, high)) for place, (low, high, _) in enumerate(bins)])
        for name in report.methods
    ]
    against = "PSNR dB" if report.reference is None else f"PSNR over {report.reference}, dB"
    ticks = [bin_name(low, high).replace(" and more", "+") for low, high, _ in bins]
    perception = "lpips" if report.has("lpips") else "sharpness"
    return [
        plot("motion", against, by_motion, ticks),
        plot("PSNR dB", HEADINGS[perception][0], curves(report, "psnr_db", perception)),
        plot("CPU ms a frame", "PSNR dB", points_of(report, "cpu_milliseconds", "psnr_db")),
    ]


def motion_score(report: Report, method: str, low: float, high: float) -> float:
    value = report.by_motion(method, low, high)[1]["psnr_db"]
    return value if report.reference is None else value - report.by_motion(report.reference, low, high)[1]["psnr_db"]


def points_of(report: Report, across: str, up: str) -> list[Line]:
    return [Line(name, [point_of(report, name, across, up)]) for name in report.methods]


def curves(report: Report, across: str, up: str) -> list[Line]:
    """Behind the points, in the colour of its last one, a line through the methods of every curve."""
    lines = {curve[-1]: [point_of(report, name, across, up) for name in curve] for curve in report.curves}
    return [Line(name, lines.get(name, []), dots=False) for name in report.methods] + points_of(report, across, up)


def point_of(report: Report, method: str, across: str, up: str) -> Point:
    return report.overall(method, across).mean, report.overall(method, up).mean


def as_place(picture: Pictured) -> str:
    """Truth and methods side by side, and any two of them under a slider."""
    shown = {"truth": picture.truth, **picture.made}
    first = next(iter(picture.made))
    figures = [
        f'<figure><img alt="{escape(name)}" width="260" src="{as_source(frame)}">'
        f"<figcaption>{escape(name)}{'' if name == 'truth' else score(frame, picture.truth)}</figcaption></figure>"
        for name, frame in shown.items()
    ]
    gain = f"{picture.gain:+.2f} dB" if len(picture.made) > 1 else f"{picture.gain:.2f} dB"
    choices = [choice(list(shown), first), choice(list(shown), "truth")]
    return (
        f'<section class="place"><h3>{escape(picture.clip)}, frame {picture.index}: {gain}</h3>'
        f'<div class="row">{"".join(figures)}</div><p>{" | ".join(choices)}</p>'
        '<div class="pair"><img alt=""><img alt=""></div><input type="range" value="50" aria-label="where they meet">'
        "</section>"
    )


def score(frame: Frame, truth: Frame) -> str:
    return f", {metrics.psnr(frame, truth):.2f} dB here"


def choice(names: Sequence[str], chosen: str) -> str:
    options = [f"<option{' selected' if name == chosen else ''}>{escape(name)}</option>" for name in names]
    return f"<select>{''.join(options)}</select>"


def as_source(frame: Frame) -> str:
    return f"data:image/png;base64,{base64.b64encode(to_png(frame)).decode()}"
