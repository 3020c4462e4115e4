"""The requests by which readers, robots and caches have got behind paywalls, ours or others'. Pure."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from paywall.office.asking import Ask, filled

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GOOGLE = "66.249.66.1"
OUT_OF_SCOPE = "the API, out of scope"
METHODS = ("HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get")

# Behind the address of an article. {0} is its slug.
ENDINGS = (
    "/", "//", "/.", "/..", "/amp", "/amp/", "/feed", "/feed/", "/print", "/embed", "/full", "/raw", "/text",
    ".md", ".json", ".txt", ".html", ".amp", ".rss", ".atom", ".xml", ".pdf", "~", ".bak",
    "/style.css", "/x.jpg", ";jsessionid=1", "%00", "%20", "%2f", "%0a", "%23", "%3f",
)  # fmt: skip
QUERIES = (
    "amp", "amp=1", "output=amp", "outputType=amp", "print=1", "view=print", "format=json", "format=txt",
    "feed=rss2", "preview=true", "preview_id=1", "full=1", "show=full", "reason=staff", "paywall=0",
    "nopaywall",
    "gift=", "gift=x",
    "gift=1-0000000000000000000000000000000000000000", "key=1", "token=1", "_method=GET", "utm_source=google",
    "fbclid=1", "rest_route=/wp/v2/posts", "json=1", "_escaped_fragment_=", "member=1", "version=1", "page=2",
)  # fmt: skip
SPELLINGS = (
    "/article//{0}", "//article/{0}", "/./article/{0}", "/x/../article/{0}", "/ARTICLE/{0}", "/Article/{0}",
    "/article/%2e/{0}", "/%61rticle/{0}", "/article\\{0}", "/article/{0}?{1}", "/amp/{0}", "/amp/article/{0}",
    "/{0}", "/articles/{0}", "/wp-json/wp/v2/posts?slug={0}", "/feed/{0}", "/api/articles/{0}", "/search/{0}",
)  # fmt: skip
HEADERS: tuple[tuple[str, str], ...] = (
    ("Accept", "application/json"),
    ("Accept", "application/ld+json"),
    ("Accept", "application/rss+xml"),
    ("Accept", "application/atom+xml"),
    ("Accept", "text/markdown"),
    ("Accept", "text/plain"),
    ("Accept-Encoding", "gzip, br, zstd"),
    ("Accept-Language", "bg"),
    ("Range", "bytes=0-"),
    ("Range", "bytes=500-99999"),
    ("If-None-Match", "*"),
    ("If-None-Match", '"x"'),
    ("If-Match", "*"),
    ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ("If-Range", '"x"'),
    ("User-Agent", GOOGLEBOT),
    ("User-Agent", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
    ("User-Agent", "facebookexternalhit/1.1"),
    ("User-Agent", "Twitterbot/1.0"),
    ("User-Agent", ""),
    ("Referer", "https://www.google.com/"),
    ("Referer", "https://t.co/x"),
    ("Referer", "https://www.facebook.com/"),
    ("X-Forwarded-For", GOOGLE),
    ("X-Real-IP", GOOGLE),
    ("Forwarded", f"for={GOOGLE}"),
    ("Client-IP", GOOGLE),
    ("CF-Connecting-IP", GOOGLE),
    ("X-Original-URL", "/article/{0}"),
    ("X-Rewrite-URL", "/article/{0}"),
    ("X-HTTP-Method-Override", "GET"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("X-Forwarded-Host", "localhost"),
    ("X-Forwarded-Prefix", "/staff"),
    ("X-Paywall", "full; reason=staff"),
    ("Paywall.Arrival", "full"),
    ("Paywall-Decision", "full"),
    ("Sec-Purpose", "prefetch"),
    ("Purpose", "preview"),
    ("Save-Data", "on"),
    ("Cache-Control", "no-cache"),
    ("Pragma", "no-cache"),
    ("Surrogate-Capability", 'x="ESI/1.0"'),
    ("Authorization", "Bearer x"),
    ("Authorization", "Basic b3duZXI6b3duZXI="),
    ("Cookie", "paywall=x"),
    ("Cookie", "paywall_meter=0"),
    ("Cookie", "paywall=x; paywall=y; session=z; wordpress_logged_in=1; patron=1"),
)


def article(path: str, slug: str, words: str) -> Iterator[Ask]:
    """Every trick by which one article might be had; `words` are some of its hidden ones."""
    for method in METHODS:
        yield Ask(f"method {method}", path, method)
    for ending in ENDINGS:
        yield Ask(f"ending {ending}", path + ending)
    for query in QUERIES:
        yield Ask(f"query {query}", f"{path}?{query}")
    for spelling in SPELLINGS:
        yield Ask(f"spelling {spelling}", spelling.format(slug, quote(words)))
    for name, value in HEADERS:
        yield Ask(f"header {name}: {value}", path, headers=((name, value.format(slug)),))
    yield Ask("a path too long to be remembered", f"{path}?{'x' * 3000}")
    yield Ask("a slug in capitals", path.upper())
    yield Ask("a slug in escapes", path.replace(slug, "".join(f"%{ord(letter):02x}" for letter in slug)))


def routes(rules: Sequence[tuple[str, frozenset[str]]], slug: str, section: str, words: str) -> Iterator[Ask]:
    """Every route of the app with what it might take for an article: in its path and in its query."""
    query = f"article={slug}&slug={slug}&q={quote(words)}&next=/article/{slug}&id=1"
    for rule, methods in rules:
        path = filled(rule, slug, section)
        for method in sorted(methods - {"OPTIONS"}):
            yield Ask(f"route {rule}", path, method)
            yield Ask(f"route {rule} with a query", f"{path}?{query}", method)
            if method == "GET":
                yield Ask(f"route {rule} as JSON", path, headers=(("Accept", "application/json"),))


def out_of_scope(slug: str) -> Iterator[Ask]:
    """What the API must not tell a token that may not read the article, nor do for one that may not write."""
    article = f"/api/v1/articles/{slug}"
    yield Ask("the API", article)
    yield Ask("the API's list", "/api/v1/articles?limit=100")
    yield Ask("the API about access", f"/api/v1/access?article={slug}")
    for method, path, body in (
        ("PATCH", article, b'{"gate": "public"}'),
        ("PUT", article, b'{"title": "x", "section": "x", "body_markdown": "x", "gate": "public"}'),
        ("DELETE", article, b""),
        ("POST", f"/api/v1/pictures?name={slug}.png", b"\x89PNG"),
    ):
        kind = "image/png" if method == "POST" else "application/json"
        yield Ask(f"{OUT_OF_SCOPE}: {method}", path, method, (("Content-Type", kind),), body)
