"""Show a page in the browser that finds faces in pictures and the webcam with a model; everything stays on the device.

The page is served on this machine alone, or written into a folder for another server.
"""

from __future__ import annotations

import sys
import webbrowser
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from ultra_face.cli.command import add_trust, new_parser, positive, share
from ultra_face.detector import CONFIDENCE, WEIGHTS
from ultra_face.web.page_model import open_page_model
from ultra_face.web.runtime import PACKAGE, cache_folder, check, fetch, is_complete
from ultra_face.web.server import address, new_server
from ultra_face.web.site import Site


def port_number(text: str) -> int:
    """Type of `--port`.

    Raises:
        ArgumentTypeError: no port.
    """
    if not text.isdecimal() or int(text) > 65535:
        raise ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return int(text)


def parser() -> ArgumentParser:
    """What the command asks for."""
    new = new_parser("web", __doc__, "best.pt", "best.onnx --port 9000 --no-open", "best.pt --output site")
    add = new.add_argument
    add("model", nargs="?", default=WEIGHTS, help=f"face model, .pt or .onnx (default: {WEIGHTS})")
    add("--imgsz", type=positive, help="longer side of the input [px] (default: 640, or what an .onnx is made for)")
    add("--conf", type=share, default=CONFIDENCE, help=f"where the slider starts (default: {CONFIDENCE})")
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine alone)")
    add("--port", type=port_number, default=8000, help="port to listen on, 0 for any that is free (default: 8000)")
    add("--no-open", action="store_true", help="do not open the browser")
    add("--threads", type=positive, default=1, help="of WebAssembly (default: 1)")
    add("--runtime", type=Path, help="folder of ONNX Runtime Web, fetched into it if need be (default: a cache folder)")
    add("--output", type=Path, help="folder to write the page into, instead of serving it")
    return add_trust(new)


def run(options: Namespace) -> None:
    """Bring the files together, then serve or write them."""
    if not options.model.lower().endswith(".onnx"):
        print(f"exporting {options.model} to ONNX", file=sys.stderr, flush=True)
    model = open_page_model(options.model, options.imgsz)
    runtime = options.runtime or cache_folder()
    if not is_complete(runtime):
        print(f"fetching {PACKAGE} with npm, once, into {runtime}", file=sys.stderr, flush=True)
        fetch(runtime)
    check(runtime)
    site = Site.of(model, runtime, confidence=options.conf, threads=options.threads)
    if options.output is not None:
        size = site.write(options.output)
        print(f"wrote {len(site.files)} files, {size / 1e6:.0f} MB, to {options.output}")
        return
    with new_server(site, options.host, options.port, isolated=options.threads > 1) as server:
        print(f"{address(server)} (Ctrl-C stops)", flush=True)
        if not options.no_open:
            webbrowser.open(address(server))
        try:
            server.serve_forever()
        except KeyboardInterrupt:  # how it is meant to end
            print()
