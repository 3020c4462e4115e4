"""Settings: typed, from PAYWALL_* or a .env file; a wrong one stops the start with one line."""

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from paywall.errors import WrongSetting

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Every setting of the product. `docs/settings.md` is checked against this class."""

    model_config = SettingsConfigDict(env_prefix="PAYWALL_", env_file=".env", extra="forbid", frozen=True)

    secret_key: SecretStr = Field(
        min_length=32, description="Signs sessions and links; 32 characters or more."
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
    rate_limits: bool = Field(True, description="Whether forms that send mail or check a secret are limited.")
    proxies: int = Field(0, ge=0, le=5, description="Reverse proxies in front that set X-Forwarded-*.")
    session_days: int = Field(90, ge=1, le=400, description="Days after which a reader must sign in again.")
    language: str = Field(
        "en_GB",
        pattern="^[a-z]{2}(_[A-Z]{2})?$",
        description="Language of pages and letters, like bg or en_GB.",
    )
    timezone: str = Field("Europe/Sofia", description="In which dates and times are shown.")
    currency: str = Field("eur", pattern="^[a-z]{3}$", description="Currency of new plans.")

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

    page_store_mb: int = Field(64, ge=1, le=4096, description="Memory per worker for rendered pages, in MiB.")

    smtp_url: SecretStr = Field(
        SecretStr(""), description="smtp://user:password@host:587 or smtps://...:465."
    )
    mail_from: str = Field("", description="Sender of letters; empty: news@ the site's host.")

    sandbox: bool = Field(
        False, description="Demo mode: a stand-in takes Stripe's and the mail server's place."
    )
    stripe_secret_key: SecretStr = Field(SecretStr(""), description="sk_test_..., sk_live_... or rk_...")
    stripe_webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="whsec_..., newest first, comma between; empty: the endpoint answers 404."
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
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
            raise ValueError("give scheme and host only, like https://news.example.org")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _no_sandbox_beside_a_key(self) -> Self:
        if self.sandbox and self.stripe_secret_key.get_secret_value():
            raise ValueError("PAYWALL_SANDBOX is on beside PAYWALL_STRIPE_SECRET_KEY: unset one of them")
        return self

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
            object.__setattr__(
                self, "mail_from", f"{self.site_name} <news@{urlsplit(self.site_url).hostname}>"
            )
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
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as wrong:
        raise WrongSetting("; ".join(_line(error["loc"], error["msg"]) for error in wrong.errors())) from None


def _line(location: tuple[int | str, ...], message: str) -> str:
    name = f"PAYWALL_{str(location[0]).upper()}: " if location else ""
    return f"{name}{message.removeprefix('Value error, ')}"
