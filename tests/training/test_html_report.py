"""The page of an evaluation: all of it inside, the numbers of the tables, the pictures to the last bit."""

import base64
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("kornia")
cv2 = pytest.importorskip("cv2")

from clips import moving_square, write_clip  # noqa: E402

from vfi_flow.training import evaluate, plots, report  # noqa: E402
from vfi_flow.training.baselines import blend, repeat  # noqa: E402
from vfi_flow.training.decoding import find_videos  # noqa: E402
from vfi_flow.training.evaluate import Method, Options, evaluate_clips, without_noise  # noqa: E402
from vfi_flow.training.html_report import to_html  # noqa: E402
from vfi_flow.training.places import Spacing  # noqa: E402

METHODS = [without_noise("<ours> & co", blend), without_noise("repeat", repeat)]


class Page(HTMLParser):
    """What is in a page: sources, captions, cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.attributes.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop()

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[str]:
        return [text for open_, text in self.texts if open_ == tag]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "large.mp4", moving_square(9, width=480, height=320))
    write_clip(folder / "small.mp4", moving_square(5))
    return list(evaluate_clips(find_videos(folder), METHODS, Options(Spacing(1, 1), pictures=2)))


@pytest.fixture(scope="module")
def page(results) -> Page:
    return Page(to_html(report.Report(results, {"data": "a <folder>", "model": {"name": "base", "hash": "00"}})))


def test_everything_is_closed_and_nothing_comes_from_outside(page):
    sources = [attributes["src"] for tag, attributes in page.attributes if "src" in attributes]

    assert page.open == []
    assert sources and all(source.startswith("data:image/png;base64,") for source in sources)
    assert not [tag for tag, attributes in page.attributes if tag == "link" or "href" in attributes]


def test_the_tables_are_those_of_the_text(page, results):
    cells = page.all("td") + page.all("th")
    expected = [cell for table in report.tables(report.Report(results, {})) for row in table.rows for cell in row]

    assert set(expected) <= set(cells)
    assert "<ours> & co" in cells
    assert "data: a <folder>, model: name base hash 00" in page.all("p")


def test_the_worst_places_come_first_with_the_part_that_is_furthest_from_the_truth(page, results):
    headings = page.all("h3")
    gains = [float(re.search(r"([+-][\d.]+) dB", heading)[1]) for heading in headings]
    images = [attributes for tag, attributes in page.attributes if tag == "img" and "src" in attributes]
    truth, ours, repeated = (
        cv2.imdecode(np.frombuffer(base64.b64decode(image["src"].split(",")[1]), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        for image in images[:3]
    )
    [first] = evaluate.worst([picture for result in results for picture in result.pictures], 1)

    assert [image["alt"] for image in images[:3]] == ["truth", "<ours> & co", "repeat"]
    assert len(headings) == 4 and gains == sorted(gains)
    assert np.array_equal(truth, first.truth)
    assert np.array_equal(ours, first.made["<ours> & co"]) and np.array_equal(repeated, first.made["repeat"])
    assert max(truth.shape[:2]) <= 360 and (ours != truth).any()


def test_of_a_single_method_the_lowest_psnr_comes_first(tmp_path):
    still, *_ = moving_square(1)
    write_clip(tmp_path / "a.mp4", [still] * 3)
    write_clip(tmp_path / "b.mp4", moving_square(5))
    alone = list(evaluate_clips(find_videos(tmp_path), METHODS[:1], Options(Spacing(1, 1), pictures=2)))
    page = Page(to_html(report.Report(alone, {})))
    psnr = [float(heading.split()[-2]) for heading in page.all("h3")]

    assert page.all("h2")[-1] == "Where <ours> & co does worst"
    assert psnr == sorted(psnr) and page.all("h3")[-1].startswith("a, frame 1: ")
    assert psnr[0] == pytest.approx(min(place["psnr_db"] for place in alone[1].by_place["<ours> & co"]), abs=0.005)


def test_a_line_stays_inside_its_plot_and_undefined_points_are_left_out():
    drawn = plots.plot("x", "y", [plots.Line("a & b", [(0, 1), (1, math.nan), (2, 5)]), plots.Line("c", [(1, 3)])])
    dots = [tuple(map(float, dot)) for dot in re.findall(r'<circle cx="([\d.-]+)" cy="([\d.-]+)"', drawn)]

    assert len(dots) == 3 and "nan" not in drawn
    assert all(plots.LEFT < x < plots.WIDTH and 0 < y < plots.HEIGHT - plots.BOTTOM for x, y in dots)
    assert dots[0][0] < dots[2][0] < dots[1][0] and dots[0][1] > dots[2][1] > dots[1][1]
    assert plots.plot("x", "y", [plots.Line("none", [(0, math.nan)])]) == ""


def test_a_method_has_the_colour_of_the_legend(page):
    drawn = [attributes["fill"] for tag, attributes in page.attributes if tag == "circle"]
    listed = [attributes["style"].removeprefix("color:") for tag, attributes in page.attributes if tag == "span"]

    assert len(listed) == 2 and set(drawn) == set(listed)
    assert any("<ours> & co" in text for text in page.all("p"))


def test_methods_that_differ_in_strength_alone_are_joined_in_order(results):
    """The same two results under names of models; the line is behind the dots, which keep the colours of the legend."""
    mean, weak, strong = (Method(name, lambda *_: None, steps, True) for name, steps in (("m", 0), ("w", 1), ("s", 1)))
    alone = Method("alone", lambda *_: None, 1, False)

    assert report.curves_of([weak, strong, mean, alone, METHODS[0]]) == [["m", "w", "s"]]

    names = ["<ours> & co", "repeat"]
    plain, joined = (report.Report(results, {}, curves) for curves in ([], [names]))
    drawn = Page(to_html(joined)).attributes
    lines = [attributes for tag, attributes in drawn if tag == "polyline" and len(attributes["points"].split()) == 2]
    count = [sum(tag == "circle" for tag, _ in page) for page in (Page(to_html(plain)).attributes, drawn)]
    assert [line["stroke"] for line in lines] == [plots.colour(1)]
    assert count[0] == count[1]
