"""Settings: typed, from PAYWALL_* or a .env file; a wrong one stops the start with one line."""

import difflib
import os
import re
from email.headerregistry import Address
from email.policy import SMTP
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from babel import Locale, UnknownLocaleError
from babel.dates import get_timezone
from babel.numbers import list_currencies
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from paywall.errors import WrongSetting

PREFIX = "PAYWALL_"
ROOT = Path(__file__).resolve().parent.parent
DATABASES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")
QUEUES = (*DATABASES, "redis://", "rediss://", "memory:")
GATES = ("public", "registered", "patrons")
STRIPE_KEYS = ("sk_test_", "sk_live_", "rk_test_", "rk_live_")


class Settings(BaseSettings):
    """Every setting of the product. `docs/settings.md` is checked against this class."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="forbid", frozen=True)

    secret_key: SecretStr = Field(
        min_length=32, description="Signs sessions and links, and makes staff's codes; 32 characters or more."
    )
    site_name: str = Field("The Vitosha Courier", description="The newspaper's name, as readers see it.")
    site_url: str = Field(
        "http://127.0.0.1:8000", description="The public address, without a slash at the end."
    )
    data_dir: Path = Field(Path("data"), description="Folder of the SQLite files and uploaded pictures.")
    database_url: str = Field("", description="Empty for SQLite in data_dir, or postgresql+psycopg://...")
    queue_url: str = Field(
        "", description="Empty: beside the database. Or sqlite:, postgresql: or redis: URL."
    )
    rate_limit_url: str = Field(
        "memory://", description="Where rate limits are counted: memory:// or redis://..."
    )
    rate_limits: bool = Field(
        True, description="Whether the API, and forms that send mail or check a secret, are limited."
    )
    proxies: int = Field(0, ge=0, le=5, description="Reverse proxies in front that set X-Forwarded-*.")
    session_days: int = Field(90, ge=1, le=400, description="Days after which a reader must sign in again.")
    language: str = Field(
        "en_GB",
        pattern="^[a-z]{2}(_[A-Z]{2})?$",
        description="Language of pages and letters, like bg or en_GB.",
    )
    timezone: str = Field("Europe/Sofia", description="In which dates and times are shown.")
    currency: str = Field("eur", pattern="^[a-z]{3}$", description="Currency of new plans.")

    default_gate: str = Field(
        "patrons", description="Gate of articles that neither say one nor fall under a rule."
    )
    meter_visitor_reads: int = Field(
        0, ge=0, le=100, description="Gated articles that a visitor reads free in each period."
    )
    meter_reader_reads: int = Field(
        0, ge=0, le=100, description="The same for readers who are signed in, if that is more."
    )
    meter_days: int = Field(
        0, ge=0, le=365, description="A period is the last so many days; 0: the calendar month."
    )
    meter_broken_cookie: Literal["new", "spent"] = Field(
        "new", description="What a visitor's count that was tampered with is worth: new or spent."
    )
    teaser_words: int = Field(80, ge=10, le=1000, description="Words of a teaser without the author's mark.")
    grace_days: int = Field(
        7, ge=0, le=60, description="Days that a patron keeps reading after a failed renewal payment."
    )
    renewal_slack_hours: int = Field(
        24,
        ge=2,
        le=96,
        description="Hours past the period's end, as Stripe charges a renewal about 1 h late.",
    )
    unpaid_days: int = Field(
        0,
        ge=0,
        le=400,
        description="Days of grace from the first unpaid bill, once Stripe has given up.",
    )
    dispute_days: int = Field(
        0, ge=0, le=400, description="Days of grace after a reader's bank has taken a payment back."
    )
    refund_days: int = Field(
        0, ge=0, le=400, description="Days of grace after the present period was refunded in full."
    )

    yearly_notice_days: int = Field(
        21, ge=15, le=45, description="Days before a yearly renewal on which the patron is written to."
    )
    monthly_notice_days: int = Field(
        0, ge=0, le=20, description="The same before a monthly renewal; 0: no such letter."
    )

    monthly_letter: bool = Field(
        True, description="Whether owners and bookkeepers get last month's figures by mail."
    )

    journey_days: int = Field(
        30,
        ge=0,
        le=90,
        description="Days for which we know by which articles a reader came to Checkout, and by whom and to"
        " whom an article was given whose gift link has ended; 0: never.",
    )

    gift_links_a_month: int = Field(
        5, ge=0, le=1000, description="Articles that a patron can give each month; 0: none, but staff can."
    )
    gift_link_days: int = Field(14, ge=1, le=365, description="Days for which the link to one is good.")

    page_store_mb: int = Field(64, ge=1, le=4096, description="Memory per worker for rendered pages, in MiB.")

    crawlers: str = Field(
        "teaser",
        pattern="^(teaser|full)$",
        description="What verified search engines get of a gated article: teaser, or full.",
    )
    crawler_lists: str = Field(
        "google=https://developers.google.com/static/crawling/ipranges/common-crawlers.json,"
        "bing=https://www.bing.com/toolbox/bingbot.json,"
        "apple=https://search.developer.apple.com/applebot.json,"
        "duckduckgo=https://duckduckgo.com/duckduckbot.json",
        pattern=r"^\s*([a-z]+=https://[^\s,]+([\s,]+|$))*$",
        description="Where search engines list their addresses; empty: by the DNS alone.",
    )
    max_snippet: int = Field(
        160,
        ge=-1,
        le=10_000,
        description="Characters of a gated article that search engines may quote; -1: as many as they like.",
    )
    ai_crawlers: str = Field(
        "deny",
        pattern="^(allow|deny)$",
        description="What robots.txt says to crawlers that collect text to train models with.",
    )

    upstream: str = Field(
        "",
        description="Address of a site that keeps its pages behind our door, like http://127.0.0.1:8080.",
    )
    upstream_host: str = Field("", description="The name that this site is called by; empty: as in site_url.")
    upstream_rules: str = Field("", description="TOML file of which path of it has which gate.")
    upstream_mark: str = Field(
        "paywall",
        pattern=r"^[A-Za-z_][\w-]*$",
        description="Class of what is gated on its pages.",
    )
    upstream_text: str = Field(
        ".entry-content, .post-content, .article-content, article, main",
        description="Where its articles stand, as CSS selectors, the most exact first.",
    )
    upstream_page_mb: int = Field(4, ge=1, le=64, description="Longer pages of it are not looked at, in MiB.")
    upstream_seconds: int = Field(30, ge=1, le=600, description="How long we wait for an answer of it.")

    smtp_url: SecretStr = Field(
        SecretStr(""), description="smtp://user:password@host:587 or smtps://...:465."
    )
    mail_from: str = Field("", description="Sender of letters; empty: news@ the site's host.")

    sandbox: bool = Field(
        False, description="Demo mode: a stand-in takes Stripe's and the mail server's place."
    )
    stripe_secret_key: SecretStr = Field(SecretStr(""), description="sk_test_..., sk_live_... or rk_...")
    promotion_codes: bool = Field(
        True, description="Whether readers can enter a promotion code on Stripe's payment page."
    )
    pauses: bool = Field(False, description="Whether readers can pause their membership themselves.")
    stripe_webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="whsec_..., newest first, comma between; empty: the endpoint answers 404."
    )
    inbox_days: int = Field(
        90, ge=40, le=3650, description="Days for which Stripe's events are kept once they were handled."
    )
    stripe_reads_per_second: float = Field(
        20, gt=0, le=100, description="How fast the walks through Stripe's books may ask it."
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Bearer token of /metrics; empty: loopback only."
    )
    log_format: str = Field("json", pattern="^(json|console)$", description="json, or console for people.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG to ERROR.")

    @field_validator("stripe_webhook_secrets", mode="before")
    @classmethod
    def _by_comma(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("site_url")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        given = value.rstrip("/")
        if (
            not _is_address(given, {"http", "https"})
            or given != f"{_scheme(given)}://{urlsplit(given).netloc}"
        ):
            raise ValueError("give scheme and host only, like https://news.example.org")
        return given

    @field_validator("upstream")
    @classmethod
    def _whole_address_or_none(cls, value: str) -> str:
        return cls._whole_address(value) if value else ""

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if value and not (value.startswith(DATABASES) and _can_be_opened(value)):
            raise ValueError("give sqlite:///... or postgresql+psycopg://...")
        return value

    @field_validator("queue_url")
    @classmethod
    def _known_queue(cls, value: str) -> str:
        if value and not value.startswith(QUEUES):
            raise ValueError("give sqlite:///..., postgresql://... or redis://...")
        return value

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        if value.upper() not in list_currencies():
            raise ValueError(f"unknown currency {value!r}: give one like eur")
        return value

    @field_validator("language")
    @classmethod
    def _known_language(cls, value: str) -> str:
        try:
            Locale.parse(value)
        except UnknownLocaleError:
            raise ValueError(f"unknown language {value!r}: give one like bg or en_GB") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            get_timezone(value)
        except LookupError:
            raise ValueError(f"unknown timezone {value!r}: give one like Europe/Sofia") from None
        return value

    @field_validator("smtp_url")
    @classmethod
    def _known_mail_server(cls, value: SecretStr) -> SecretStr:
        # The value holds a password, so the message must not repeat it.
        given = value.get_secret_value()
        if given and not _is_address(given, {"smtp", "smtps"}):
            raise ValueError("give smtp://user:password@host:587 or smtps://..., special characters as %XX")
        return value

    @field_validator("mail_from")
    @classmethod
    def _one_sender(cls, value: str) -> str:
        if value and not _is_sender(value):
            raise ValueError("give one address, like The Courier <news@example.org>")
        return value

    @field_validator("stripe_secret_key")
    @classmethod
    def _secret_key_of_stripe(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not value.get_secret_value().startswith(STRIPE_KEYS):
            raise ValueError("give a secret or restricted key: it begins with sk_ or rk_")
        return value

    @model_validator(mode="after")
    def _no_sandbox_beside_a_key(self) -> Self:
        if self.sandbox and self.stripe_secret_key.get_secret_value():
            raise ValueError("PAYWALL_SANDBOX is on beside PAYWALL_STRIPE_SECRET_KEY: unset one of them")
        return self

    @field_validator("default_gate")
    @classmethod
    def _known_gate(cls, value: str) -> str:
        if value not in GATES and not re.fullmatch(r"plan:[a-z0-9-]+(,[a-z0-9-]+)*", value):
            raise ValueError("give public, registered, patrons, or plan:<slug>[,<slug>]")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.sandbox and not self.stripe_secret_key.get_secret_value():
            raise ValueError(
                "PAYWALL_STRIPE_SECRET_KEY is missing (or set PAYWALL_SANDBOX=true for the demo)"
            )
        if not self.sandbox and not self.smtp_url.get_secret_value():
            raise ValueError("PAYWALL_SMTP_URL is missing: readers could not confirm their address")
        return self

    @model_validator(mode="after")
    def _places(self) -> Self:
        data = self.data_dir.absolute()
        object.__setattr__(self, "data_dir", data)
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{data / 'paywall.sqlite3'}")
        if not self.queue_url:
            beside = self.database_url.startswith("postgresql")
            object.__setattr__(
                self, "queue_url", self.database_url if beside else f"sqlite:///{data / 'queue.sqlite3'}"
            )
        if not self.mail_from:
            sender = Address(self.site_name, "news", urlsplit(self.site_url).hostname or "")
            object.__setattr__(self, "mail_from", str(sender))
        return self

    @property
    def migrations(self) -> Path:
        """The folder of the schema's migrations."""
        return ROOT / "migrations"

    @property
    def https(self) -> bool:
        """Whether readers reach us by https: cookies are then Secure, and HSTS is sent."""
        return self.site_url.startswith("https://")

    @property
    def live(self) -> bool:
        """Whether real money moves: the key is a live one."""
        return self.stripe_secret_key.get_secret_value().startswith(("sk_live_", "rk_live_"))


def load(**given: object) -> Settings:
    """The settings of this process; raises WrongSetting with one line that names each wrong one."""
    if unknown := sorted(name for name in os.environ if name.startswith(PREFIX) and name not in _names()):
        raise WrongSetting("; ".join(f"{name}: is no setting{_like(name)}" for name in unknown))
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as wrong:
        raise WrongSetting("; ".join(_line(error["loc"], error["msg"]) for error in wrong.errors())) from None


def _names() -> set[str]:
    return {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def _like(name: str) -> str:
    near = difflib.get_close_matches(name, _names(), n=1, cutoff=0.8)
    return f", is it {near[0]}?" if near else ""


def _line(location: tuple[int | str, ...], message: str) -> str:
    name = f"{PREFIX}{str(location[0]).upper()}: " if location else ""
    return f"{name}{message.removeprefix('Value error, ')}"


def _is_address(value: str, schemes: set[str]) -> bool:
    try:
        return _scheme(value) in schemes and bool(urlsplit(value).hostname) and urlsplit(value).port != 0
    except ValueError:
        return False


def _scheme(value: str) -> str:
    return urlsplit(value).scheme


def _can_be_opened(url: str) -> bool:
    try:
        return bool(make_url(url))
    except (ArgumentError, ValueError):
        return False


def _is_sender(value: str) -> bool:
    try:
        people = SMTP.header_factory("From", value).addresses
    except ValueError:
        return False
    return len(people) == 1 and bool(people[0].username and people[0].domain)
