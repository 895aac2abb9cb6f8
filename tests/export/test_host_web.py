"""The page of export/hosts/web in a real browser: its frames are the package's, and it says what is wrong."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from clips import moving_square, write_clip
from tiny_network import moving_texture
from tolerances import WEB_CLIP, WEB_FRAME, WEB_VIDEO
from web_page import WEB, WebPage

from vfi_flow.inference.interpolator import Interpolator
from vfi_flow.media.frame import Window
from vfi_flow.media.pixels.colour import Converter, colour_in, colour_of
from vfi_flow.media.reader import VideoReader

RATE = Fraction(24)
EXPORT = "vfi-flow export --layout u8 --steps 0 1 2 --output-dir export/hosts/web/models"


@pytest.fixture(scope="module")
def models(tiny_model, tmp_path_factory) -> Path:
    """tiny.u8_0.onnx and tiny.u8_1.onnx, and files under such names that are not what they should be."""
    from vfi_flow.export.write import Variant, write_onnx, write_variants

    folder = tmp_path_factory.mktemp("models")
    list(write_onnx(tiny_model, folder, ["u8"], [0, 1]))
    [floats] = write_onnx(tiny_model, folder, ["3in"], [0])
    floats.rename(folder / "floats.u8_1.onnx")
    [fixed] = write_variants(tiny_model, folder, ["u8"], [0], [Variant(size=(48, 32))])
    fixed.path.rename(folder / "fixed.u8_1.onnx")
    (folder / "text.u8_1.onnx").write_text("not a model at all")
    shutil.copy(folder / "tiny.u8_0.onnx", folder / "mixed.u8_0.onnx")
    shutil.copy(folder / "text.u8_1.onnx", folder / "mixed.u8_1.onnx")
    later = (folder / "tiny.u8_1.onnx").read_bytes().replace(b"vfi_flow-1", b"vfi_flow-9")
    (folder / "later.u8_1.onnx").write_bytes(later)
    (folder / "half.u8_1.onnx").write_bytes((folder / "tiny.u8_1.onnx").read_bytes()[:200_000])
    return folder


@pytest.fixture(scope="module")
def page(models) -> Iterator[WebPage]:
    with WebPage(models) as page:
        yield page
        assert page.failures() == []


@pytest.fixture
def meadow(tmp_path, make_clips) -> Path:
    """Four frames of 96x64, finely encoded; with whole colours, as every decoder enlarges halved ones its own way."""
    frames = [make_clips.render("meadow", Fraction(n) / RATE, 96, 64) for n in range(4)]
    return write_clip(tmp_path / "meadow.mp4", frames, rate=RATE, pix_fmt="yuv444p", options={"crf": "1"})


def write_png(path: Path, frame: np.ndarray) -> Path:
    av.VideoFrame.from_ndarray(frame, format="rgb24").save(str(path))
    return path


def frames_of(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def package_frames(path: Path) -> list[np.ndarray]:
    """The frames of a clip in RGB."""
    with VideoReader(path, Window()) as reader:
        pictures = [frame.picture for frame in reader.frames()]
    colour = colour_of(pictures[0])
    converter = Converter(colour, "rgb24", colour_in("rgb24", colour, pictures[0].height))
    return [converter.to_rgb(picture) for picture in pictures]


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return 10 * np.log10(255**2 / max(np.mean((one.astype(float) - other) ** 2), 1e-9))


def test_steps_without_a_file_cannot_be_chosen(page):
    where = page.show()

    assert re.fullmatch(r"WebAssembly, \d threads?", where)
    states = "[...document.querySelectorAll('[name=steps]')].map(radio => [radio.disabled, radio.checked])"
    assert page.evaluate(script=states) == [[False, False], [False, True], [True, False]]


def test_a_frame_between_two_pictures_is_what_onnxruntime_makes(page, models, tmp_path):
    import onnxruntime

    first, second = moving_texture(37, 51), moving_texture(37, 51, dx=2)
    session = onnxruntime.InferenceSession(models / "tiny.u8_1.onnx", providers=["CPUExecutionProvider"])
    feed = {"frame0": first[None], "frame1": second[None], "tau": np.array([0.75], np.float32)}
    [[expected]] = session.run(None, feed)

    page.ready()
    page.open(write_png(tmp_path / "shot9.png", first), write_png(tmp_path / "shot10.png", second))
    page.make(2, steps=1)
    assert page.text(selector="#status").startswith("1 frame made in")
    page.make(4, steps=1)

    assert page.scrub(3) == "New frame · 3/4 of the way from 1 to 2"
    assert psnr(page.frame(tmp_path), expected) > WEB_FRAME
    assert page.scrub(0) == "Source frame · 1"
    assert np.array_equal(page.frame(tmp_path), first)


def test_a_frame_of_a_clip_is_what_the_package_makes_and_the_original_is_one_key_away(
    page, meadow, tiny_model, tmp_path
):
    decoded = package_frames(meadow)
    with Interpolator(model=tiny_model, steps=0) as interpolator:
        [expected] = interpolator(decoded[1], decoded[2], taus=[0.25])

    page.ready()
    page.open(meadow)
    page.make(4, steps=0)

    assert page.evaluate(script="Number(document.querySelector('#scrub').max)") == 12
    assert page.scrub(5) == "New frame · 1/4 of the way from 2 to 3"
    assert psnr(page.frame(tmp_path), expected) > WEB_CLIP
    page.press(key="o")
    assert page.text(selector="#caption") == "Original, held · 2"
    assert psnr(page.frame(tmp_path), decoded[1]) > WEB_CLIP
    page.press(key="o")
    assert page.text(selector="#caption") == "New frame · 1/4 of the way from 2 to 3"
    assert page.strangers() == []


def test_what_factor_2_made_serves_4(page, meadow):
    page.ready()
    page.open(meadow)
    page.make(2, steps=0)

    page.make(4, steps=0)

    assert page.text(selector="#status").startswith("6 frames made in")


def test_other_steps_while_frames_are_made_end_the_work_and_make_may_be_pressed_again(page, tmp_path):
    pictures = [write_png(tmp_path / f"{n}.png", moving_texture(240, 320, dx=3 * n)) for n in range(3)]
    page.ready()
    page.open(*pictures)
    page.check(selector="#factors [value='8']")
    page.check(selector="#steps [value='0']")
    page.click(selector="#make")
    page.wait(script="document.querySelector('#status').textContent.startsWith('Frame 2 of 14')")

    page.check(selector="#steps [value='1']")
    page.wait(script="document.querySelector('#engine').matches('.ready') && !document.querySelector('#make').disabled")

    assert page.evaluate(script="document.querySelector('#stop').hidden") is True
    assert (page.text(selector="#status"), page.problem()) == ("", "")
    assert page.make(2, steps=1) == ""


def test_another_factor_while_a_file_is_opened_lets_it_open(page, meadow):
    page.ready()
    page.files(paths=[str(meadow)])
    page.wait(script="document.querySelector('#status').textContent === 'Reading frames …'")

    page.check(selector="#factors [value='8']")
    page.wait(script="document.querySelector('#status').textContent === '4 frames'")

    assert page.evaluate(script="Number(document.querySelector('#scrub').max)") == 24


def test_the_saved_video_has_every_frame_at_its_time(page, tmp_path):
    """The gaps of the source differ, and one is a hundredth of a second: no frame is skipped."""
    stamps = [0, 40, 50, 90, 190, 230]
    source = moving_square(len(stamps))
    clip = write_clip(tmp_path / "uneven.mkv", source, pts=stamps, time_base=Fraction(1, 1000), options={"crf": "1"})

    page.ready()
    page.open(clip)
    page.make(2, steps=0)
    page.check(selector="[name='speed'][value='slow']")
    name = page.download(selector="#save-video", path=str(tmp_path / "slow.webm"))

    slow = frames_of(tmp_path / "slow.webm")
    middles = [a + b for a, b in pairwise(stamps)]
    assert name == "slow_2x.webm"
    assert [frame.pts for frame in slow] == sorted([*middles, *(2 * stamp for stamp in stamps)])
    originals = [frame.to_ndarray(format="rgb24") for frame in slow[::2]]
    assert min(psnr(made, frame) for made, frame in zip(originals, source, strict=True)) > WEB_VIDEO


def test_its_own_speed_keeps_the_length(page, meadow, tmp_path):
    page.ready()
    page.open(meadow)
    page.make(2, steps=0)
    page.check(selector="[name='speed'][value='own']")

    page.download(selector="#save-video", path=str(tmp_path / "smooth.webm"))

    times = [frame.pts for frame in frames_of(tmp_path / "smooth.webm")]
    assert times == pytest.approx([1000 * n / 48 for n in range(7)], abs=0.5)  # WebM counts in milliseconds


def test_an_animation_is_a_clip(page, tmp_path):
    frames = moving_square(3)
    write_clip(tmp_path / "square.gif", frames, rate=Fraction(10), codec="gif", pix_fmt="rgb8", options={"loop": "0"})

    page.ready()

    assert page.open(tmp_path / "square.gif") == ""
    assert page.text(selector="#status") == "3 frames"


def test_what_is_no_picture_is_named(page, tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no picture")
    (tmp_path / "broken.mp4").write_bytes(b"no clip")
    good = write_png(tmp_path / "good.png", moving_texture(20, 30))
    help_text = "MP4 with H.264 and WebM usually work, and ffmpeg makes them of anything"
    page.ready()

    assert page.open(tmp_path / "notes.txt") == f"notes.txt is neither a picture nor a clip. {help_text}"
    assert page.open(tmp_path / "broken.mp4") == f"broken.mp4 is a clip that this browser cannot play. {help_text}"
    assert page.open(good, tmp_path / "broken.png") == "broken.png is not a picture that this browser can read"
    assert page.open(good) == "good.png is one picture; choose two or more, or a clip"


def test_pictures_of_two_sizes_are_named(page, tmp_path):
    pictures = [write_png(tmp_path / f"{w}.png", moving_texture(20, w)) for w in (30, 32)]
    page.ready()

    assert page.open(*pictures) == "The pictures must have one size: 30.png is 30×20, 32.png is 32×20"


def test_pictures_that_cannot_be_used_are_let_go(page, tmp_path):
    pictures = [write_png(tmp_path / f"{w}.png", moving_texture(20, w)) for w in (30, 32)]
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no picture")
    page.ready()
    page.evaluate(
        script="""void (window.bitmaps = [], window.realBitmap = createImageBitmap,
            window.createImageBitmap = async (file) => {
                const bitmap = await realBitmap(file);
                bitmaps.push(bitmap);
                return bitmap;
            })"""
    )

    assert "one size" in page.open(*pictures) and "not a picture" in page.open(pictures[0], tmp_path / "broken.png")
    assert page.evaluate(script="bitmaps.map(bitmap => bitmap.width)") == [0, 0, 0]


def test_a_clip_that_another_one_overtakes_is_let_go(page, meadow):
    page.ready()
    page.evaluate(
        script="""void (window.urls = new Set(), window.realURL = URL.createObjectURL,
            URL.createObjectURL = (file) => {
                const url = realURL(file);
                urls.add(url);
                return url;
            },
            window.realRevoke = URL.revokeObjectURL,
            URL.revokeObjectURL = (url) => (urls.delete(url), realRevoke(url)),
            document.querySelector("#files").addEventListener("change", (event) => {
                window.chosenAgain ??= [...event.target.files];
            }, { capture: true }))"""
    )
    assert page.open(meadow) == ""

    page.evaluate(
        script="""(() => {
            for (let time = 0; time < 2; time++) {
                const again = new DataTransfer();
                again.items.add(chosenAgain[0]);
                document.querySelector("#status").textContent = "";
                document.querySelector("#files").files = again.files;
                document.querySelector("#files").dispatchEvent(new Event("change"));
            }
        })()"""
    )
    page.wait(script="document.querySelector('#status').textContent === '4 frames'")

    assert page.evaluate(script="urls.size") == 1


def test_stop_while_a_video_is_saved_closes_the_encoder(page, meadow):
    page.ready()
    page.open(meadow)
    page.make(2, steps=0)
    page.evaluate(
        script="""void (window.encoders = [], window.VideoEncoder = class extends VideoEncoder {
            constructor(...words) { super(...words); encoders.push(this); }
        })"""
    )

    page.evaluate(script="(document.querySelector('#save-video').click(), document.querySelector('#stop').click())")
    page.wait(script="document.querySelector('#stop').hidden")

    assert page.evaluate(script="encoders.map(encoder => encoder.state)") == ["closed"]
    assert page.text(selector="#status") == "Stopped; what is made is kept"


def test_of_what_is_too_large_a_smaller_size_is_taken(page, tmp_path):
    pictures = [write_png(tmp_path / f"{n}.png", np.full((2160, 3840, 3), n, np.uint8)) for n in range(2)]
    page.ready()

    assert page.open(*pictures) == ""
    hint = "3840×2160 is too large for a browser; 2560×1440 is the largest offered."
    assert page.text(selector="#hint") == hint
    assert page.evaluate(script="document.querySelector('#screen').width") == 2560
    page.select(selector="#size", value="426x240")
    page.wait(script="document.querySelector('#screen').width === 426")


def test_every_control_has_a_name(page, meadow):
    page.ready()
    page.open(meadow)
    script = """[...document.querySelectorAll("input, select, button, canvas:not([aria-hidden])")]
        .filter(part => !(part.labels?.length || part.textContent.trim() || part.ariaLabel
            || part.getAttribute("aria-labelledby")))
        .map(part => part.id)"""

    assert page.evaluate(script=script) == []


def test_the_page_may_use_threads(page):
    page.ready()

    with urllib.request.urlopen(page.url) as response:
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert page.evaluate(script="crossOriginIsolated") is True


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ("floats", "floats.u8_1.onnx has the layout 3in; this page runs u8: "),
        ("fixed", "fixed.u8_1.onnx takes only frames of 48x32. Export it without --size: "),
        ("later", "later.u8_1.onnx is of vfi_flow-9; this page reads vfi_flow-1. Export it again: "),
        ("text", "text.u8_1.onnx is not an ONNX file, or it is cut off. Export it again: "),
        ("half", "half.u8_1.onnx is not an ONNX file, or it is cut off. Export it again: "),
    ],
)
def test_a_file_that_is_not_its_model_is_named(page, model, complaint):
    assert page.show(model) == "No model"

    assert page.problem() == f"{complaint}{EXPORT}"


def test_a_model_that_does_not_start_leaves_no_worker_behind(page):
    page.show("mixed")
    page.evaluate(
        script="""void (window.Worker = class extends Worker {
            static running = 0;
            constructor(...words) { super(...words); Worker.running++; }
            terminate() { super.terminate(); Worker.running--; }
        })"""
    )
    page.check(selector="#steps [value='0']")
    page.wait(script="document.querySelector('#engine').matches('.ready')")
    assert page.evaluate(script="Worker.running") == 1

    page.check(selector="#steps [value='1']")
    page.wait(script="document.querySelector('#engine').matches('.failed')")
    assert page.evaluate(script="Worker.running") == 0


def test_the_complaint_of_a_model_goes_when_another_one_is_chosen(page):
    page.show("mixed")
    assert page.problem().startswith("mixed.u8_1.onnx is not an ONNX file")

    page.check(selector="#steps [value='0']")
    page.wait(script="document.querySelector('#engine').matches('.ready')")

    assert page.problem() == ""


def test_without_a_model_the_page_says_how_to_export_one(page):
    assert page.show("nothing") == "No model"

    assert page.evaluate(script="document.querySelector('#missing').hidden") is False
    assert EXPORT in page.text(selector="#missing")
    assert page.evaluate(script="document.querySelector('#make').disabled") is True


def test_the_server_shows_nothing_outside_its_folder(page):
    import http.client

    for path in ("/../../rules.py", "/models/../../../rules.py", "/%2e%2e/%2e%2e/rules.py", "/models/%00"):
        connection = http.client.HTTPConnection("localhost", int(page.url.rstrip("/").rpartition(":")[2]))
        connection.request("GET", path)
        assert connection.getresponse().status == 404
        connection.close()


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--port", "abc"], "--port takes a number from 0 to 65535, got 'abc'"),
        (["--port", "65536"], "--port takes a number from 0 to 65535, got '65536'"),
        (["--models", "missing"], "--models missing: no such folder"),
        (["--colour", "red"], "Unknown option '--colour'"),
    ],
)
def test_what_the_server_cannot_take_is_one_sentence(options, complaint):
    ended = subprocess.run(["node", WEB / "server.js", *options], capture_output=True, text=True, timeout=60)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"server.js: {complaint}") and ended.stderr.count("\n") == 1


@pytest.mark.slow
def test_webgpu_makes_the_same_frame(models, tmp_path):
    """On SwiftShader, which computes on the processor what a graphics card would: a minute for a frame."""
    first, second = moving_texture(37, 51), moving_texture(37, 51, dx=2)
    pictures = write_png(tmp_path / "1.png", first), write_png(tmp_path / "2.png", second)
    shown = {}
    with WebPage(models, "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader") as page:
        for device in ("webgpu", "wasm"):
            shown[device] = page.show(device=device)
            page.open(*pictures)
            page.make(2, steps=1)
            page.scrub(1)
            shown[device] = page.frame(tmp_path)

    assert psnr(shown["webgpu"], shown["wasm"]) > WEB_FRAME


def test_versions_are_pinned_and_the_lock_file_names_no_server():
    package = json.loads((WEB / "package.json").read_text())
    lock = (WEB / "package-lock.json").read_text()

    for versions in (package["dependencies"], package["devDependencies"]):
        assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
    assert "://" not in lock and '"resolved"' not in lock
    assert lock.count('"integrity"') == len(json.loads(lock)["packages"]) - 1
