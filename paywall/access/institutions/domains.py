"""Domains of e-mail addresses: which can be an institution's, and which are anybody's. Pure."""

from collections.abc import Iterator
from pathlib import Path

from paywall.errors import BadInput

# Where anyone gets an address; of the families any country's (yahoo.fr, gmx.net, hotmail.co.uk).
FAMILIES = frozenset({"aol", "gmx", "hotmail", "live", "outlook", "yahoo", "yandex"})
PROVIDERS = frozenset(Path(__file__).with_name("public_providers.txt").read_text().split())
# Below these anybody registers a name, as in ac.uk or edu.bg: all of such a domain is nobody's.
PUBLIC_HALVES = frozenset({"ac", "co", "com", "edu", "gob", "gov", "mil", "ne", "net", "or", "org", "sch"})


def refuse_public(domain: str) -> None:
    """Raise BadInput for a domain in which anyone can have an address; it is in our one spelling."""
    if _is_public_half(domain):
        raise BadInput(f"{domain} is no institution's domain: others have theirs below it.")
    if any(_is_provider(one) for one in (domain, *parents(domain))):
        raise BadInput(f"Anyone can have an address at {domain}: it would open the paper to everybody.")


def parents(domain: str) -> Iterator[str]:
    """The domains above, the nearest first: of law.uni.example these are uni.example and example."""
    _label, dot, above = domain.partition(".")
    while dot:
        yield above
        _label, dot, above = above.partition(".")


def _is_provider(domain: str) -> bool:
    first, _dot, rest = domain.partition(".")
    return domain in PROVIDERS or (first in FAMILIES and ("." not in rest or _is_public_half(rest)))


def _is_public_half(domain: str) -> bool:
    first, _dot, country = domain.partition(".")
    return first in PUBLIC_HALVES and len(country) == 2
