"""The page as it is served, in the browser of this system, with the shipped weights."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from opened_pages import opened, serving
from outfits import lacks
from ultralytics.utils import ASSETS

from ultra_face.web.page_model import PageModel, open_page_model
from ultra_face.web.runtime import cache_folder, check, fetch, is_complete
from ultra_face.web.site import Site

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
VIDEO_WH = (640, 360)


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of ONNX Runtime Web: the user's, or fetched."""
    folder = cache_folder()
    if not is_complete(folder):
        folder = tmp_path_factory.mktemp("onnxruntime-web")
        try:
            fetch(folder)
        except OSError as error:
            lacks(f"ONNX Runtime Web, fetched once with npm: {error}")
    check(folder)
    return folder


@pytest.fixture(scope="session")
def page_model() -> PageModel:
    """The shipped weights, exported as `ultra-face web` does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter traces, which torch announces to retire
        return open_page_model("yolov5n-aesvc-face.pt")


@pytest.fixture(scope="session")
def site(page_model: PageModel, runtime: Path) -> Site:
    return Site.of(page_model, runtime, confidence=0.5, threads=1)


@pytest.fixture(scope="session")
def served(site: Site) -> Iterator[str]:
    with serving(site) as url:
        yield url


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the webcam sees: a photograph that moves to and fro, as the raw video that Chromium takes."""
    file = tmp_path_factory.mktemp("webcam") / "film.y4m"
    photograph = cv2.resize(cv2.imread(str(ASSETS / "zidane.jpg")), VIDEO_WH)
    with file.open("wb") as out:
        out.write(b"YUV4MPEG2 W%d H%d F15:1 Ip A1:1 C420jpeg\n" % VIDEO_WH)
        for step in (0, 8, 16, 24, 16, 8):
            moved = cv2.copyMakeBorder(photograph[:, step:], 0, 0, 0, step, cv2.BORDER_REPLICATE)
            out.write(b"FRAME\n" + cv2.cvtColor(moved, cv2.COLOR_BGR2YUV_I420).tobytes())
    return file


@pytest.fixture(scope="session")
def launch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Starts the browser of this system, with more options."""
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        lacks(f"one of the browsers {', '.join(BROWSERS)} on the PATH")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        lacks("the package playwright, which drives the browser")
    with sync_playwright() as playwright:
        opened = []

        def start(*options: str) -> Any:
            browser = playwright.chromium.launch(executable_path=program, args=[*QUIET, *options])
            opened.append(browser)
            return browser

        yield start
        for browser in opened:
            browser.close()


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Any]) -> Any:
    """Without a camera."""
    return launch()


@pytest.fixture(scope="session")
def browser_with_camera(launch: Callable[..., Any], film: Path) -> Any:
    return launch(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )


@pytest.fixture
def page(browser: Any, served: str) -> Iterator[Any]:
    """The page, ready; at the end nothing was said on the console, and no other address was asked."""
    with opened(browser, served) as seen:
        yield seen.page
        assert seen.console == []
        assert [url for url in seen.requests if not url.startswith((served, "blob:"))] == []
        assert f"{served}runtime/ort-wasm-simd-threaded.wasm" in seen.requests  # the worker's are seen too
