"""A reader at a real browser: what they click, what they see, and whether everyone could have used it."""

import os
import re
import time
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
GOOD = "4242 4242 4242 4242"
DECLINED = "4000 0000 0000 0002"
ASKS_BANK = "4000 0025 0000 3155"


# Who of the demo's staff has signed in at which server, and when: a phone's code is good once.
_SIGNED_IN: dict[tuple[str, str], tuple[float, list[Any]]] = {}
STILL_FRESH = 600.0


class Reader:
    """`page` is the open tab; `email` is theirs alone."""

    def __init__(self, page: Page, email: str, site: str) -> None:
        self.page = page
        self.email = email
        self._site = site

    def opens(self, path: str) -> None:
        """Type an address."""
        self.page.goto(path)

    def clicks(self, label: str | re.Pattern[str]) -> None:
        """Press the button or follow the link of that name."""
        button = self.page.get_by_role("button", name=label)
        (button if button.count() else self.page.get_by_role("link", name=label)).first.click()

    def sees(self, text: str | re.Pattern[str]) -> None:
        """Wait until the page says so."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def is_at(self, path: str | re.Pattern[str]) -> None:
        """Wait until the address is this one."""
        expect(self.page).to_have_url(f"{self._site}{path}" if isinstance(path, str) else path)

    def reads(self, slug: str, secret: str) -> bool:
        """Open an article: does all that the server sent hold the secret sentence?"""
        answer = self.page.goto(f"/article/{slug}")
        assert answer is not None
        assert answer.ok
        return secret in " ".join(answer.text().split())

    def signs_up(self, password: str = "") -> None:
        """Fill in the form and enter the code from the letter."""
        self.page.get_by_label("E-mail").fill(self.email)
        if password:
            self.page.get_by_label("Password", exact=False).fill(password)
        self.clicks("Sign up")
        self.sees("Look into your mail")
        self.page.get_by_label("code").fill(self.code())
        self.clicks("Go on")

    def comes_as(self, role: str, path: str) -> None:
        """Be the demo's owner, editor, bookkeeper or membership at a page; who was so before comes back."""
        at, cookies = _SIGNED_IN.get((self._site, role), (0.0, []))
        if time.monotonic() - at < STILL_FRESH:
            self.page.context.add_cookies(cookies)
            self.opens(path)
        else:
            self.signs_in_as(f"{role}@demo.example", path)
            _SIGNED_IN[self._site, role] = time.monotonic(), list(self.page.context.cookies())
        self.is_at(path)

    def signs_in_as(self, email: str, path: str) -> None:
        """Go to a page of the staff with the demo's password and the code of a phone."""
        self.opens(f"/sign-in?next={path}")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill("demo-newsroom-2026")
        self.clicks("Sign in")
        self.page.get_by_label("Six digits").fill(self.phone_of(email))
        self.clicks("Go on")

    def phone_of(self, email: str) -> str:
        """What the phone of one of the demo's staff shows now."""
        tab = self.page.context.new_page()
        try:
            tab.goto("/sandbox/phones")
            return tab.locator("li", has_text=email).first.locator("code").inner_text()
        finally:
            tab.close()

    def code(self) -> str:
        """The six digits of the newest letter to this reader."""
        found = re.search(r"\b(\d{3}) (\d{3})\b", self.letter())
        assert found, self.letter()
        return found.group(1) + found.group(2)

    def letter(self) -> str:
        """The text of the newest letter to this reader, in a tab of its own."""
        tab = self.page.context.new_page()
        try:
            tab.goto("/sandbox/mails")
            tab.locator("li", has_text=self.email).first.get_by_role("link").click()
            return tab.locator("pre.letter-text").inner_text()
        finally:
            tab.close()

    def chooses(self, plan: str = "Supporter", button: str = "Pay by the month") -> None:
        """Go to the payment page from the join page."""
        self.page.locator(".plan", has=self.page.get_by_role("heading", name=plan)).get_by_role(
            "button", name=button
        ).click()

    def fills_in(self, number: str) -> None:
        """Type a card into Stripe's page."""
        self.page.get_by_label("Card number").fill(number)
        self.page.get_by_label(re.compile("Expir")).fill("12 / 31")
        self.page.get_by_label(re.compile("CVC|Security code")).fill("123")
        self.page.get_by_label(re.compile("Name on the card")).fill("Vera Reader")

    def pays(self, number: str = GOOD) -> None:
        """Type a card and press the button."""
        self.fills_in(number)
        self.page.locator("form button[type=submit]").last.click()

    def waits_until_open(self, slug: str, secret: str, seconds: float = 20) -> None:
        """Load the article again and again until it is there in full."""
        deadline = time.monotonic() + seconds
        while not self.reads(slug, secret):
            assert time.monotonic() < deadline, f"{slug} is still closed after {seconds} s"
            self.page.wait_for_timeout(200)

    def moves_clock(self, step: str) -> None:
        """Press "Next month" (or week, day) on the stand-in's console."""
        self.opens("/sandbox")
        self.clicks(step)
        self.page.wait_for_load_state()

    def looks(self, name: str, *, quick: bool = False) -> None:
        """Look on desktop and phone, light and dark: axe finds nothing, and nothing runs off the side.

        `quick`: on a phone in the dark alone, where the space and the contrast are least.
        """
        # The address shows before the style is there, and without it everything is too small.
        self.page.wait_for_load_state()
        found: list[str] = []
        for size, (width, height) in list(WIDTHS.items())[quick:]:
            self.page.set_viewport_size({"width": width, "height": height})
            for scheme in SCHEMES[quick:]:
                self.page.emulate_media(color_scheme=scheme)
                found += [f"{name}, {size}, {scheme}: {one}" for one in _violations(self.page)]
                _keep_picture(self.page, f"{name}-{size}-{scheme}")
            wide: int = self.page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                found.append(f"{name}, {size}: {wide} px wide")
        self.page.set_viewport_size({"width": 1280, "height": 900})
        self.page.emulate_media(color_scheme="light")
        assert not found, "\n".join(found)


def _violations(page: Page) -> list[str]:
    answer: dict[str, Any] = Axe().run(page, options=RULES).response
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]}"
        for one in answer["violations"]
        for node in one["nodes"]
    ]


def _keep_picture(page: Page, name: str) -> None:
    folder = os.environ.get("PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
