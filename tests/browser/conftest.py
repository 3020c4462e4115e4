"""Chromium before the real server: one browser a run, a fresh profile for each reader."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.reader import Reader
from tests.live import Server

SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a screen."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(SWITCHES))
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Callable[[str], Reader]]:
    """Someone new at their own browser: `visit("vera")`. A script that errs or is refused fails the test."""
    contexts = []
    wrong: list[str] = []

    def new(name: str) -> Reader:
        context = browser.new_context(
            base_url=server.url,
            locale="en-GB",
            reduced_motion="reduce",
            viewport={"width": 1280, "height": 900},
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        _listen(page, wrong)
        return Reader(page, f"{name}-{len(contexts)}-{id(context):x}@example.org", server.url)

    yield new
    for context in contexts:
        context.close()
    assert wrong == []


def _listen(page: Page, wrong: list[str]) -> None:
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def note(message: object) -> None:
        text = getattr(message, "text", "")
        if "Content Security Policy" in text:
            wrong.append(text)

    page.on("console", note)
