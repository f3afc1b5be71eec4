"""The page served and opened for a test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from ultra_face.web.server import address, new_server
from ultra_face.web.site import Site


@contextmanager
def serving(site: Site, **options: Any) -> Iterator[str]:
    """The address of a site that is served meanwhile."""
    with new_server(site, "127.0.0.1", 0, **options) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield address(server)
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def opened(browser: Any, url: str, state: str = "ready", **options: Any) -> Iterator[Any]:
    """A page in a profile of its own, and what it has said and asked for: `page`, `console`, `requests`."""
    context = browser.new_context(**options)
    context.set_default_timeout(60_000)
    page = context.new_page()
    console: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: console.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: console.append(f"exception: {error}"))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(url)
    in_state(page, state)
    yield SimpleNamespace(page=page, console=console, requests=requests)
    context.close()


def in_state(page: Any, state: str) -> None:
    """Wait on the attribute: the policy of the page forbids what Playwright's own waiting evaluates."""
    page.wait_for_selector(f"main[data-state={state}]")
