"""The picture of docs/browser.md: the page of `ultra-face web` on a desk and on a phone, in this system's browser.

    python benchmarks/plot_browser.py

Writes `docs/pictures/browser.png`. The photograph is one of NASA in the public domain, which scikit-image ships.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from skimage.data import astronaut

from benchmarks.provenance import REPOSITORY
from ultra_face.web.page_model import open_page_model
from ultra_face.web.runtime import cache_folder, fetch
from ultra_face.web.server import address, new_server
from ultra_face.web.site import Site

PICTURE = REPOSITORY / "docs" / "pictures" / "browser.png"
DESK_WH, PHONE_WH = (900, 900), (360, 900)
MARKS_RGB = (255, 216, 77)  # of examples/browser/drawing.js
SCORE = "0.75"  # what the slider shows


def main() -> None:
    """Read the command line, serve the page, photograph it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browser", default=shutil.which("chromium"), help="program (default: chromium)")
    parser.add_argument("--output", type=Path, default=PICTURE)
    options = parser.parse_args()
    runtime = cache_folder()
    fetch(runtime)
    site = Site.of(open_page_model("yolov5n-aesvc-face.pt"), runtime, confidence=0.5, threads=1)
    with tempfile.TemporaryDirectory() as folder, new_server(site, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        photograph = Path(folder, "astronaut.png")
        Image.fromarray(astronaut()).save(photograph)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=options.browser, args=["--no-sandbox", "--disable-gpu"]
            )
            shots = []
            for (width, height), scheme in ((DESK_WH, "light"), (PHONE_WH, "dark")):
                page = browser.new_page(
                    viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
                )
                page.goto(address(server))
                show(page, photograph, blurred=scheme == "dark")
                shot = Path(folder, f"{scheme}.png")
                page.screenshot(path=shot)
                shots.append(np.asarray(Image.open(shot).convert("RGB")))
            browser.close()
        server.shutdown()
    few_colors(Image.fromarray(np.hstack(shots))).save(options.output, optimize=True)
    print(f"wrote {options.output}")


def few_colors(picture: Image.Image) -> Image.Image:
    """The same in 256 colours, a third of the size. That of boxes and landmarks covers so little that it would go."""
    colors = picture.quantize(255, kmeans=1).getpalette()[: 3 * 255]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*colors, *MARKS_RGB])
    return picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def show(page: Page, photograph: Path, *, blurred: bool) -> None:
    """Choose a photograph, and wait for its faces."""
    page.wait_for_selector("main[data-state=ready]")
    page.set_input_files("#file", photograph)
    page.wait_for_selector("main[data-state=found]")
    page.get_by_label("Confidence").fill(SCORE)
    if blurred:
        page.get_by_label("Blur faces").check()
        page.get_by_label("Boxes and landmarks").uncheck()
    page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")


if __name__ == "__main__":
    main()
