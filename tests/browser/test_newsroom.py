"""An editor in Chromium: writes, sees both pages while typing, adds a picture, publishes; a visitor reads."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.articles.test_darkroom import drawn
from tests.browser.reader import Reader

pytestmark = [pytest.mark.browser, pytest.mark.server]

OPEN, SECRET = "Everybody saw the tram leave.", "Nobody saw it return that night."


def test_an_editor_writes_and_a_visitor_reads(visit: Callable[[str], Reader], tmp_path: Path) -> None:
    vera, boris = visit("vera"), visit("boris")
    vera.comes_as("editor", "/staff/articles")
    vera.looks("newsroom-list")
    writes(vera)
    vera.looks("newsroom-editor")
    adds_picture(vera, tmp_path)
    vera.clicks("Save and publish now")
    vera.sees("Readers see it within a second")
    assert not boris.reads("the-tram-in-the-snow", SECRET)
    vera.page.get_by_label("Who may read it").select_option("public")
    expect(vera.page.get_by_role("region", name="The article")).to_contain_text(SECRET)
    vera.page.get_by_role("button", name="Save").first.click()
    boris.waits_until_open("the-tram-in-the-snow", SECRET)
    is_not_lost(vera)
    vera.clicks("Versions")
    vera.looks("newsroom-versions")
    vera.opens("/staff/gates")
    sets_and_drops_a_rule(vera)


def sets_and_drops_a_rule(vera: Reader) -> None:
    """Each with a word on why."""
    vera.page.get_by_text("Set a rule").click()
    vera.page.get_by_label("or for the tag").fill("trams")
    vera.page.get_by_label("Why, if it is worth a word", exact=True).fill("The strike")
    vera.clicks("Set the rule")
    vera.sees("The rule holds from now on.")
    vera.page.get_by_text("Set a rule").click()
    vera.looks("newsroom-gates")
    vera.page.get_by_label("Why, if it is worth a word: the tag trams").fill("It is over")
    vera.clicks("Drop the rule for the tag trams")
    vera.sees("There is no rule yet.")


def is_not_lost(vera: Reader) -> None:
    """What was sent over a line that broke is put back."""
    here, title = vera.page.url, vera.page.get_by_label("Title")
    title.fill("The tram in the rain")
    vera.page.context.set_offline(True)
    vera.page.get_by_role("button", name="Save").first.click()
    vera.page.wait_for_url(lambda url: url.startswith("chrome-error:"))
    vera.page.context.set_offline(False)
    vera.opens(here)
    vera.clicks("Put it back")
    expect(title).to_have_value("The tram in the rain")
    vera.page.get_by_role("button", name="Save").first.click()
    vera.sees("Saved.")


def writes(vera: Reader) -> None:
    """A text whose teaser ends after its first paragraph; the preview follows."""
    vera.clicks("Write an article")
    page = vera.page
    page.get_by_label("Title").fill("The tram in the snow")
    page.get_by_label("Section").fill("City")
    text = page.get_by_label("Text", exact=True)
    text.fill(f"{OPEN}\n\n{SECRET}\n")
    text.press("Control+Home")
    vera.clicks("End the teaser here")
    expect(page.get_by_role("region", name="The whole article")).to_contain_text(SECRET)
    teaser = page.get_by_role("region", name="The teaser")
    expect(teaser).to_contain_text(OPEN)
    expect(teaser).not_to_contain_text(SECRET)


def adds_picture(vera: Reader, folder: Path) -> None:
    """Into the text."""
    file = folder / "tram.jpg"
    file.write_bytes(drawn())
    vera.page.get_by_label("Picture file").set_input_files(file)
    vera.page.get_by_role("group", name="Add a picture").get_by_label("What it shows").fill("A tram")
    vera.clicks("Add the picture")
    shown = vera.page.get_by_role("region", name="The whole article").get_by_alt_text("A tram")
    expect(shown).to_have_attribute("srcset", re.compile("480w"))
