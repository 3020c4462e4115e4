"""`make pictures`: the pictures of README and docs, taken from a demo with a past of a year."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from tests.browser.conftest import SWITCHES
from tests.browser.reader import Reader
from tests.live import Server

ARTICLE = "/article/the-second-stove"
MONTHS = 12


def take(folder: Path) -> None:
    """The article before and after, and the pages of the staff."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        Server(Path(tempfile.mkdtemp()), months=MONTHS) as server,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(SWITCHES)) as chromium,
    ):

        def new(height: int) -> Reader:
            viewport = ViewportSize(width=1000, height=height)
            context = chromium.new_context(base_url=server.url, viewport=viewport, reduced_motion="reduce")
            return Reader(context.new_page(), "nobody@demo.example", server.url)

        _articles(new(1250), folder)
        for role, name, path, go_on in STAFF:
            someone = new(1250)
            someone.comes_as(role, path)
            go_on(someone.page)
            _keep(someone.page, folder / f"{name}.jpg")


def _articles(vera: Reader, folder: Path) -> None:
    vera.opens(ARTICLE)
    _keep(vera.page, folder / "article-teaser.jpg")
    vera.opens(f"/sign-in?next={ARTICLE}")
    vera.page.get_by_label("E-mail").fill("patron@demo.example")
    vera.page.get_by_label("Password").fill("demo-newsroom-2026")
    vera.clicks("Sign in")
    vera.page.wait_for_url(f"**{ARTICLE}")
    _keep(vera.page, folder / "article-full.jpg")


def _find(page: Page) -> None:
    page.goto("/staff/desk?q=ana.")
    # One who pays: the demo's others have an r in their number.
    page.locator("main table a").filter(has_not_text="-r").last.click()


def _edit(page: Page) -> None:
    page.get_by_role("link", name="The second stove").click()


# As whom, the picture's name, where it is, and what is clicked there.
STAFF: tuple[tuple[str, str, str, Callable[[Page], object]], ...] = (
    ("owner", "report", "/staff/reports/movement", Page.title),
    ("bookkeeper", "tie-out", "/staff/tie-out", Page.title),
    ("membership", "desk", "/staff/desk", _find),
    ("editor", "editor", "/staff/articles", _edit),
)


def _keep(page: Page, path: Path) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path, type="jpeg", quality=82)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
