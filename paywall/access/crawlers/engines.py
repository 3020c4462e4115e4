"""The search engines that we can verify: what their crawlers say, and where they live. Pure."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address

LONGEST_AGENT = 1000
HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]{2,63}")


@dataclass(frozen=True, slots=True)
class Engine:
    """A search engine. `agent`: what stands, in small letters, in the User-Agent of what fills its index.

    `domains`: where the crawler's host names end, each with its leading dot; none if it documents none.
    """

    name: str
    agent: str
    domains: tuple[str, ...]

    def owns(self, host: str) -> bool:
        """Whether a host name, in small letters and without a dot at its end, is of this engine's crawler."""
        return HOST.fullmatch(host) is not None and host.endswith(self.domains)


# Only crawlers that fill an index of their own accord. What anybody can send to a page of their choice and
# then read the answer is left out, wherever it comes from: Google-InspectionTool (the public Rich Results
# Test, from Googlebot's own addresses), the user-triggered fetchers (google-proxy-*.google.com), and
# googleusercontent.com, where every customer of Google's cloud has a name with a matching address.
ENGINES = (
    # developers.google.com/crawling/docs/crawlers-fetchers/verify-google-requests: common crawlers
    Engine("google", "googlebot", (".googlebot.com",)),
    # bing.com/webmasters/help/how-to-verify-bingbot-3905dc26
    Engine("bing", "bingbot", (".search.msn.com",)),
    # support.apple.com/en-us/119829
    Engine("apple", "applebot", (".applebot.apple.com",)),
    # duckduckgo.com/duckduckgo-help-pages/results/duckduckbot: a list of addresses, no names
    Engine("duckduckgo", "duckduckbot", ()),
)
BY_NAME = {engine.name: engine for engine in ENGINES}


def claimed(user_agent: str) -> Engine | None:
    """The engine whose crawler a User-Agent says it is: a reason to look, and never a proof."""
    return _claimed(user_agent[:LONGEST_AGENT])


@lru_cache(maxsize=1000)
def _claimed(user_agent: str) -> Engine | None:
    said = user_agent.lower()
    return next((engine for engine in ENGINES if engine.agent in said), None)


def read(address: str) -> Address | None:
    """An address as a server gives it; an IPv4 address that is written as IPv6 is the IPv4 address."""
    try:
        found = ip_address(address)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
