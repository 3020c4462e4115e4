"""What an article's page tells engines of itself: schema.org's NewsArticle, and what may be quoted."""

from dataclasses import dataclass
from typing import Any

from paywall.articles.cards import Card

# What a page on Discover needs to be shown with its picture, which is free to see behind any gate.
PICTURES = "max-image-preview:large"


@dataclass(frozen=True, slots=True)
class Paper:
    """Who publishes: `language` as in en-GB, `home` the site's address, `logo` that of its mark."""

    name: str
    home: str
    logo: str
    language: str


def news_article(
    card: Card, paper: Paper, *, address: str, picture: str | None, is_open: bool, gated_class: str | None
) -> dict[str, Any]:
    """The article as JSON-LD, of its card alone: the text itself is never in it, whoever reads.

    `is_open`: everybody may read it now; for a reader who was let in it is not open all the same.
    `gated_class`: that of the elements on this page which hold what others do not see; None without them.
    Fields and rules: developers.google.com/search/docs/appearance/structured-data/paywalled-content.
    """
    said: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "mainEntityOfPage": {"@type": "WebPage", "@id": address},
        "url": address,
        "headline": card.title,
        "description": card.description,
        "articleSection": card.section,
        "inLanguage": paper.language,
        "datePublished": card.published_at.isoformat(timespec="seconds"),
        "dateModified": card.changed_at.isoformat(timespec="seconds"),
        "author": _author(card, paper),
        "publisher": _publisher(paper),
        "isAccessibleForFree": is_open,
    }
    if picture:
        said["image"] = [_image(card, picture)]
    if gated_class:
        part = {"@type": "WebPageElement", "isAccessibleForFree": False, "cssSelector": f".{gated_class}"}
        said["hasPart"] = part
    return said


def robots(*, is_open: bool, max_snippet: int) -> str:
    """What the robots meta element says of an article: of a gated one so many characters may be quoted.

    `max-snippet` also holds for Google's AI Overviews and AI Mode; `noarchive, nocache` is how Bing is told
    that its chat and its models get title and snippet and no more.
    """
    if is_open or max_snippet < 0:
        return PICTURES
    return f"{PICTURES}, max-snippet:{max_snippet}, noarchive, nocache"


def _author(card: Card, paper: Paper) -> dict[str, Any]:
    return {"@type": "Person", "name": card.byline} if card.byline else _publisher(paper)


def _publisher(paper: Paper) -> dict[str, Any]:
    logo = {"@type": "ImageObject", "url": paper.logo}
    return {"@type": "NewsMediaOrganization", "name": paper.name, "url": paper.home, "logo": logo}


def _image(card: Card, address: str) -> dict[str, Any]:
    image: dict[str, Any] = {"@type": "ImageObject", "url": address}
    if card.picture_width and card.picture_height:
        image |= {"width": card.picture_width, "height": card.picture_height}
    return image | ({"caption": card.picture_alt} if card.picture_alt else {})
