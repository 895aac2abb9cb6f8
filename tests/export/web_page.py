"""The web host in headless Chromium: a local server, a browser, and what a person would click."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WEB = Path(__file__).parents[2] / "export" / "hosts" / "web"


def chromium() -> str:
    """The path of the browser; the test is skipped where something that the page's tests need is missing."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    for package in ("onnxruntime-web", "playwright-core"):
        if not (WEB / "node_modules" / package).is_dir():
            pytest.skip(f"{package} is not installed: cd export/hosts/web && npm ci")
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium is installed")


class WebPage:
    """The page with `models` beside it; `flags` go to the browser.

    What `drive.js` knows are methods: page.click(selector="#make").
    """

    def __init__(self, models: Path, *flags: str) -> None:
        browser = chromium()
        serve = ["node", str(WEB / "server.js"), "--port", "0", "--models", str(models)]
        self.server = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
        assert self.server.stdout is not None
        self.url = self.server.stdout.readline().strip()
        drive = ["node", str(WEB / "drive.js"), browser, *flags]
        self.browser = subprocess.Popen(drive, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.runs = False
        assert self._answer() == "ready"

    def __enter__(self) -> "WebPage":
        return self

    def __exit__(self, *_: object) -> None:
        self.browser.communicate(timeout=60)  # closes its input, which ends it
        self.server.terminate()
        self.server.communicate(timeout=60)

    def __getattr__(self, name: str) -> Any:
        def command(**details: object) -> Any:
            assert self.browser.stdin is not None
            self.browser.stdin.write(json.dumps({"do": name, **details}) + "\n")
            self.browser.stdin.flush()
            return self._answer()

        return command

    def _answer(self) -> Any:
        assert self.browser.stdout is not None
        line = self.browser.stdout.readline()
        assert line, "the browser did not start or has gone"
        reply = json.loads(line)
        assert "error" not in reply, reply["error"]
        return reply["answer"]

    def show(self, model: str = "tiny", device: str = "wasm") -> str:
        """Loads the page anew; what it says of its model once that runs or does not."""
        self.go(url=f"{self.url}?model={model}&device={device}")
        self.wait(script="document.querySelector('#engine').matches('.ready, .failed')")
        self.runs = model == "tiny"
        return self.text(selector="#engine")

    def ready(self) -> None:
        """The page with its model running, as the test before left it: starting the model takes seconds."""
        if not self.runs:
            self.show()

    def open(self, *paths: Path) -> str:
        """Chooses files; the message that follows, or an empty string where their frames are there."""
        # What the files before have left would pass for an answer.
        self.evaluate(
            script="document.querySelector('#problem').hidden = document.querySelector('#make').disabled = true"
        )
        self.files(paths=[str(path) for path in paths])
        self.wait(script=f"{VISIBLE}('#problem') || !document.querySelector('#make').disabled")
        return self.problem()

    def problem(self) -> str:
        return self.text(selector="#problem p") if self.evaluate(script=f"{VISIBLE}('#problem')") else ""

    def make(self, factor: int, steps: int) -> str:
        """Makes the slow motion; the message if that fails."""
        self.check(selector=f"#factors [value='{factor}']")
        self.check(selector=f"#steps [value='{steps}']")
        self.click(selector="#make")
        self.wait(script=f"{VISIBLE}('#problem') || {VISIBLE}('#results')")
        return self.problem()

    def scrub(self, index: int) -> str:
        """Goes to a frame with the keyboard; the caption."""
        self.press(key="Home")
        for _ in range(index):
            self.press(key="ArrowRight")
        return self.text(selector="#caption")

    def frame(self, folder: Path) -> np.ndarray:
        """What is shown, as the page saves it: (H, W, 3) uint8."""
        import av

        path = folder / "shown.png"
        self.download(selector="#save-frame", path=str(path))
        with av.open(str(path)) as container:
            return next(container.decode(video=0)).to_ndarray(format="rgb24")


VISIBLE = "(selector => !document.querySelector(selector).hidden)"
