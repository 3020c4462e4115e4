"""robots.txt: where crawlers may go, and which are refused because they collect text for models. Pure."""

from collections.abc import Iterable, Iterator

# What is a reader's own, or leads to paying: nothing there belongs into an index.
CLOSED = (
    "/account",
    "/confirm/",
    "/gift",
    "/group/",
    "/join",
    "/redeem",
    "/reset",
    "/search",
    "/sign-in",
    "/sign-out",
    "/sign-up",
    "/staff",
)

# By the name that each obeys in robots.txt, with where its owner says so. Not among them: crawlers that fill
# an AI search with links to us (OAI-SearchBot, Claude-SearchBot, PerplexityBot) and fetchers that open one
# page because a person asked for it (ChatGPT-User, Claude-User, Perplexity-User): they bring readers, see
# what a visitor sees, and the fetchers mostly do not ask robots.txt at all.
TRAINING = (
    "AI2Bot",  # Allen Institute: allenai.org/crawler
    "Amazonbot",  # Amazon: developer.amazon.com/amazonbot
    "anthropic-ai",  # Anthropic, an older name
    "Applebot-Extended",  # Apple; says what Applebot's texts are for: support.apple.com/en-us/119829
    "Bytespider",  # ByteDance
    "CCBot",  # Common Crawl, from which most models learned: commoncrawl.org/ccbot
    "ClaudeBot",  # Anthropic: support.anthropic.com/en/articles/8896518
    "cohere-training-data-crawler",  # Cohere
    "DeepSeekBot",  # DeepSeek
    "Diffbot",  # Diffbot: docs.diffbot.com
    "FacebookBot",  # Meta: developers.facebook.com/docs/sharing/bot
    "Google-Extended",  # Google; no crawler, and no part in Search: developers.google.com/crawling/docs
    "GPTBot",  # OpenAI: platform.openai.com/docs/bots
    "ICC-Crawler",  # NICT: ucri.nict.go.jp/en/icccrawler.html
    "img2dataset",  # a program that gathers pictures: github.com/rom1504/img2dataset
    "LAIONDownloader",  # LAION: laion.ai/faq
    "meta-externalagent",  # Meta: developers.facebook.com/docs/sharing/webmasters/web-crawlers
    "omgili",  # Webz.io, which sells what it finds: webz.io/bot.html
    "PanguBot",  # Huawei
    "Timpibot",  # Timpi: timpi.io
    "Webzio-Extended",  # Webz.io; no crawler, what omgili found is not sold on for training
)


def robots_txt(site_url: str, sitemaps: Iterable[str], *, lets_train: bool) -> str:
    """The whole file; `sitemaps` are paths."""
    return "\n".join(_lines(site_url, sitemaps, lets_train=lets_train)) + "\n"


def _lines(site_url: str, sitemaps: Iterable[str], *, lets_train: bool) -> Iterator[str]:
    if not lets_train:
        yield "# Our readers pay for these texts: none of them may be used to train models with."
        yield from (f"User-agent: {name}" for name in TRAINING)
        yield "Disallow: /"
        yield ""
    yield "User-agent: *"
    yield from (f"Disallow: {path}" for path in CLOSED)
    yield ""
    yield from (f"Sitemap: {site_url}{path}" for path in sitemaps)
