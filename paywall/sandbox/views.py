"""The stand-in's pages as one blueprint: payment page, hosted invoice, portal and console."""

from collections.abc import Callable, Sequence

from flask import Blueprint, render_template
from flask_babel import get_locale
from markupsafe import Markup, escape

from paywall.sandbox import Sandbox, wording
from paywall.sandbox.console import Console, SentLetter
from paywall.sandbox.errors import SandboxError
from paywall.sandbox.payment_pages import CheckoutPages, InvoicePages
from paywall.sandbox.portal_pages import PortalPages
from paywall.sandbox.wording import gettext

__all__ = ["SentLetter", "blueprint"]


def blueprint(
    sandbox: Sandbox,
    *,
    merchant: str,
    letters: Callable[[], Sequence[SentLetter]],
    phones: Callable[[], Sequence[tuple[str, str]]] = tuple,
    home: str = "/",
) -> Blueprint:
    """The blueprint `sandbox` under /sandbox, open to anyone: for demo mode and tests only.

    `merchant` is the newspaper's name, `home` its address, `letters` gives the mails that it wrote, `phones`
    the code that an app would show now to each who has one.
    """
    pages = Blueprint("sandbox", __name__, url_prefix="/sandbox")
    CheckoutPages(sandbox, merchant).join(pages)
    InvoicePages(sandbox, merchant).join(pages)
    PortalPages(sandbox, merchant).join(pages)
    Console(sandbox, letters, phones).join(pages)
    pages.add_app_template_filter(wording.day, "sandbox_day")
    pages.add_app_template_filter(wording.minute, "sandbox_minute")
    pages.add_app_template_filter(_at_dots, "sandbox_at_dots")
    pages.context_processor(
        lambda: {"merchant": merchant, "paper": home, "language": str(get_locale()).replace("_", "-")}
    )
    pages.register_error_handler(SandboxError, lambda error: _refused(error, merchant, home))
    return pages


def _at_dots(text: str) -> Markup:
    """A name such as `invoice.paid` that may break after its dots."""
    return Markup("<wbr>").join(escape(part) for part in text.replace(".", ".\0").split("\0"))


def _refused(error: SandboxError, merchant: str, home: str) -> tuple[str, int]:
    heading = gettext("This page has expired") if error.status == 410 else gettext("This does not work")
    page = render_template(
        "sandbox/ended.html", heading=heading, explanation=error.message, merchant=merchant, onward=home
    )
    return page, error.status
