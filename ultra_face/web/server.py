"""Serves the page on this machine: the types that browsers insist on, and a policy that lets nothing leave."""

from __future__ import annotations

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ultra_face.web.site import Site

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",  # browsers run no module of another type
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
}

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self)",
    "Cache-Control": "no-cache",
}

ISOLATION = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
"""What browsers ask for before they give WebAssembly several threads."""

_POLICY = re.compile(r'http-equiv="Content-Security-Policy"\s+content="([^"]+)"')


def policy(site: Site) -> str:
    """The content security policy: that of the page itself, and that nobody shows it in a frame."""
    found = _POLICY.search(site.read("index.html").decode())
    if found is None:
        raise ValueError("index.html: expected a Content-Security-Policy in a meta element, got none; put one there")
    return f"{' '.join(found[1].split())}; frame-ancestors 'none'"


def new_server(site: Site, host: str, port: int, *, isolated: bool = False) -> ThreadingHTTPServer:
    """A server of the files of a site and nothing else, bound and not yet serving.

    Args:
        site: what to serve.
        host: address to listen on.
        port: 0 for any that is free.
        isolated: send what several threads need.

    Raises:
        OSError: it cannot listen there.
    """
    headers = {**HEADERS, **(ISOLATION if isolated else {}), "Content-Security-Policy": policy(site)}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(with_content=True)

        def do_HEAD(self) -> None:
            self._answer(with_content=False)

        def _answer(self, *, with_content: bool) -> None:
            path = unquote(urlsplit(self.path).path).removeprefix("/") or "index.html"
            if path not in site.files:
                self.send_error(404)
                return
            content = site.read(path)
            self.send_response(200)
            self.send_header("Content-Type", TYPES[PurePosixPath(path).suffix])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_content:
                self.wfile.write(content)

        def end_headers(self) -> None:
            for name, value in headers.items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the terminal is for the address."""

    try:
        return Server((host, port), Handler)
    except (OSError, OverflowError) as error:
        raise OSError(
            f"{host}:{port}: expected an address that is free to listen on, got: {error}; choose another --port or "
            "--host"
        ) from error


class Server(ThreadingHTTPServer):
    """Threads end with the program, and a browser that goes away in the middle is no error."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that the browser has closed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def address(server: ThreadingHTTPServer) -> str:
    """What to open in a browser."""
    host, port = str(server.server_address[0]), server.server_address[1]
    return f"http://{'localhost' if host in ('0.0.0.0', '127.0.0.1') else host}:{port}/"
