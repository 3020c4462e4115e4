"""Settings: a wrong or missing one gives one line that names it, and no secret is repeated."""

from pathlib import Path

import pytest

from paywall import config, create_app
from paywall.config import Settings
from paywall.errors import WrongSetting
from tests.conftest import SECRET, make_settings

REAL = {"sandbox": False, "stripe_secret_key": "sk_test_x", "smtp_url": "smtp://127.0.0.1:9"}


def why_not(**given: object) -> str:
    """The line with which these settings are refused."""
    with pytest.raises(WrongSetting) as refused:
        make_settings(**given)
    return refused.value.message


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("secret_key", "short", "at least 32"),
        ("site_url", "news.example", "give scheme and host only"),
        ("site_url", "ftp://news.example", "give scheme and host only"),
        ("site_url", "https://news.example/paper", "give scheme and host only"),
        ("site_url", "https://news.example?from=1", "give scheme and host only"),
        ("site_url", "https://news.example:port", "give scheme and host only"),
        ("site_url", "https://[::1", "give scheme and host only"),
        ("database_url", "mysql://127.0.0.1/paywall", "give sqlite:///"),
        ("database_url", "postgresql+psycopg://me@host:port/paywall", "give sqlite:///"),
        ("queue_url", "amqp://127.0.0.1", "give sqlite:///"),
        ("proxies", 6, "less than or equal to 5"),
        ("session_days", 0, "greater than or equal to 1"),
        ("language", "English", "match pattern"),
        ("language", "xx", "unknown language 'xx'"),
        ("timezone", "Mars/Base", "unknown timezone 'Mars/Base'"),
        ("currency", "EUR", "match pattern"),
        ("teaser_words", "many", "valid integer"),
        ("grace_days", 61, "less than or equal to 60"),
        ("renewal_slack_hours", 1, "greater than or equal to 2"),
        ("page_store_mb", 0, "greater than or equal to 1"),
        ("mail_from", "The Courier", "give one address"),
        ("mail_from", "one@news.example, two@news.example", "give one address"),
        ("mail_from", "The\nCourier <news@news.example>", "give one address"),
        ("rate_limits", "perhaps", "valid boolean"),
        ("log_format", "xml", "match pattern"),
        ("log_level", "LOUD", "match pattern"),
        ("tea_ser_words", 5, "not permitted"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(name: str, value: object, words: str) -> None:
    line = why_not(**{name: value})
    assert line.startswith(f"PAYWALL_{name.upper()}: ")
    assert words in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "given",
    [
        "mail.news.example:587",
        "https://mail.news.example",
        "smtp://",
        "smtp://me:hush/hush@mail.news.example",
        "smtp://me:hush@mail.news.example:99999",
    ],
)
def test_a_wrong_mail_server_is_refused_without_its_password(given: str) -> None:
    line = why_not(**{**REAL, "smtp_url": given})
    assert line.startswith("PAYWALL_SMTP_URL: give smtp://user:password@host:587")
    assert "hush" not in line


def test_a_publishable_key_is_no_secret_key_and_is_not_repeated() -> None:
    line = why_not(**{**REAL, "stripe_secret_key": "pk_live_hush"})
    assert line == "PAYWALL_STRIPE_SECRET_KEY: give a secret or restricted key: it begins with sk_ or rk_"


def test_a_missing_key_says_what_else_could_be_meant() -> None:
    assert why_not(**{**REAL, "stripe_secret_key": ""}) == (
        "PAYWALL_STRIPE_SECRET_KEY is missing (or set PAYWALL_SANDBOX=true for the demo)"
    )


def test_a_missing_mail_server_says_what_would_not_work() -> None:
    assert why_not(**{**REAL, "smtp_url": ""}) == (
        "PAYWALL_SMTP_URL is missing: readers could not confirm their address"
    )


def test_a_setting_with_a_slip_in_its_name_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYWALL_GRASE_DAYS", "7")
    monkeypatch.setenv("PAYWALL_SOMETHING_ELSE", "7")
    assert why_not() == (
        "PAYWALL_GRASE_DAYS: is no setting, is it PAYWALL_GRACE_DAYS?; PAYWALL_SOMETHING_ELSE: is no setting"
    )


def test_a_currency_that_does_not_exist_is_refused() -> None:
    assert why_not(currency="eux") == "PAYWALL_CURRENCY: unknown currency 'eux': give one like eur"


def test_several_wrong_settings_are_named_together() -> None:
    line = why_not(teaser_words="many", log_level="LOUD", secret_key="short")
    assert [part.partition(":")[0] for part in line.split("; ")] == [
        "PAYWALL_SECRET_KEY",
        "PAYWALL_TEASER_WORDS",
        "PAYWALL_LOG_LEVEL",
    ]


def test_without_any_setting_the_secret_key_is_asked_for() -> None:
    with pytest.raises(WrongSetting, match=r"^PAYWALL_SECRET_KEY: Field required$"):
        config.load(_env_file=None)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"PAYWALL_SECRET_KEY={SECRET}\nPAYWALL_SANDBOX=true\nPAYWALL_TEASER_WORDS=20\n")
    monkeypatch.setenv("PAYWALL_TEASER_WORDS", "30")
    assert config.load(_env_file=file).teaser_words == 30


def test_a_slip_of_the_pen_in_the_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"PAYWALL_SECRET_KEY={SECRET}\nPAYWALL_SANDBOX=true\nPAYWALL_TEASER_WORD=20\n")
    with pytest.raises(WrongSetting, match="TEASER_WORD: Extra inputs are not permitted"):
        config.load(_env_file=file)


def test_secrets_of_webhooks_are_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYWALL_STRIPE_WEBHOOK_SECRETS", "whsec_new, whsec_old,")
    found = make_settings().stripe_webhook_secrets
    assert [secret.get_secret_value() for secret in found] == ["whsec_new", "whsec_old"]


def test_no_secret_is_printed() -> None:
    settings = make_settings(
        **{**REAL, "stripe_secret_key": "sk_live_hush", "smtp_url": "smtp://me:hush@host"}
    )
    assert "hush" not in repr(settings)
    assert SECRET not in repr(settings)


def test_places_follow_the_data_folder(tmp_path: Path) -> None:
    settings = make_settings(data_dir=tmp_path, queue_url="")
    assert settings.database_url == f"sqlite:///{tmp_path}/paywall.sqlite3"
    assert settings.queue_url == f"sqlite:///{tmp_path}/queue.sqlite3"


def test_the_queue_is_beside_the_database() -> None:
    address = "postgresql+psycopg://paywall@/paywall?host=/run/postgresql"
    assert make_settings(database_url=address, queue_url="").queue_url == address


def test_the_sender_is_the_paper_even_with_a_comma_in_its_name() -> None:
    settings = make_settings(site_name="Ivanov, Petrov & Co.", site_url="https://news.example/")
    assert settings.site_url == "https://news.example"
    assert settings.mail_from == '"Ivanov, Petrov & Co." <news@news.example>'
    assert make_settings(mail_from="desk@news.example").mail_from == "desk@news.example"


@pytest.mark.parametrize(
    ("key", "live"), [("sk_test_x", False), ("rk_test_x", False), ("sk_live_x", True), ("rk_live_x", True)]
)
def test_a_live_key_moves_money(key: str, *, live: bool) -> None:
    assert make_settings(**{**REAL, "stripe_secret_key": key}).live is live


def test_a_setting_does_not_change_afterwards() -> None:
    settings: Settings = make_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.teaser_words = 5


def test_a_data_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WrongSetting, match=r"^PAYWALL_DATA_DIR: cannot make the folder \(Not a directory\)$"):
        create_app(make_settings(data_dir=tmp_path / "file" / "data"))
