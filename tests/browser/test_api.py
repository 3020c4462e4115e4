"""The page about the API in Chromium: looked at, and a call sent from it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.reader import Reader
from tests.browser.test_story import SECRET, SLUG

pytestmark = [pytest.mark.browser, pytest.mark.server]


def test_a_developer_tries_a_call_on_the_page(visit: Callable[[str], Reader]) -> None:
    dora = visit("dora")
    dora.opens("/api/v1/")
    dora.looks("api")
    form = dora.page.locator("#article form")
    form.get_by_label("slug").fill(SLUG)
    form.get_by_role("button").click()
    expect(form.get_by_role("status")).to_contain_text('"reason": "patrons_only"')
    assert SECRET not in form.inner_text()
    dora.page.get_by_label("Token").fill("pw_wrong")
    form.get_by_role("button").click()
    expect(form.get_by_role("status")).to_contain_text("401")
