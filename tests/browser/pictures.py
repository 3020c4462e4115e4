"""`python -m tests.browser.pictures FOLDER`: the pictures of the README, taken from the running demo."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import SWITCHES
from tests.live import Server

ARTICLE = "/article/the-second-stove"


def take(folder: Path) -> None:
    """The article page before and after: teaser and full."""
    with Server(Path(tempfile.mkdtemp())) as server, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(SWITCHES))
        page = chromium.new_page(viewport={"width": 1000, "height": 1250}, base_url=server.url)
        page.goto(ARTICLE)
        _keep(page, folder / "article-teaser.jpg")
        page.goto(f"/sign-in?next={ARTICLE}")
        page.get_by_label("E-mail").fill("patron@demo.example")
        page.get_by_label("Password").fill("demo-newsroom-2026")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**{ARTICLE}")
        page.goto(ARTICLE)
        _keep(page, folder / "article-full.jpg")
        chromium.close()


def _keep(page: Page, path: Path) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=path, type="jpeg", quality=82)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
