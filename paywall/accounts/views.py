"""Pages of signing up, signing in by letter, and the reader's own security page."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user
from flask_security import hash_password, login_user, logout_user
from werkzeug.wrappers import Response

from paywall import mail
from paywall.accounts import letters, privacy, proofs, readers, sessions
from paywall.accounts.forms import AddressForm, CodeForm, NewAddressForm, PressForm, SignUpForm
from paywall.accounts.limits import checks_code, checks_secret, writes_again, writes_letters
from paywall.accounts.models import Proof, Purpose, Reader
from paywall.accounts.proofs import CODE_FOR, Proven
from paywall.accounts.returning import destination, safe_next
from paywall.accounts.routes import PUBLIC, READER, may_enter
from paywall.db import db

SIGN_UP_LINK = timedelta(days=1)
CHANGE_LINK = timedelta(hours=1)

# By (is_new: they came to sign up, is_known: the address has an account): kind, endpoint, life of the link.
LETTERS = {
    (True, True): ("already_registered", "accounts.link", CODE_FOR),
    (True, False): ("confirm", "accounts.confirm", SIGN_UP_LINK),
    (False, True): ("sign_in", "accounts.link", CODE_FOR),
    (False, False): ("no_account", "accounts.confirm", SIGN_UP_LINK),
}

accounts = Blueprint("accounts", __name__)
accounts.after_request(privacy.unshared)
accounts.after_request(privacy.unreferred)


@accounts.route("/sign-up", methods=["GET", "POST"])
@may_enter(PUBLIC)
@writes_letters
def sign_up() -> ResponseReturnValue:
    """An address, with a password or without; the letter proves the address and the account begins."""
    next_path = safe_next(request.form.get("next") or request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(destination(next_path))
    form = SignUpForm()
    if not form.validate_on_submit():
        return render_template("accounts/sign_up.html", form=form, next=next_path)
    password = hash_password(form.password.data) if form.password.data else None
    return _write(form.address, next_path, password, is_new=True)


@accounts.post("/sign-in/letter")
@may_enter(PUBLIC)
@writes_letters
def letter() -> ResponseReturnValue:
    """Ask for a letter with a code and a link to sign in without a password."""
    form = AddressForm()
    next_path = safe_next(request.form.get("next"))
    if not form.validate_on_submit():
        return render_template("accounts/letter.html", form=form, next=next_path)
    return _write(form.address, next_path, None, is_new=False)


@accounts.post("/sign-in/again")
@may_enter(PUBLIC)
@writes_again
def again() -> ResponseReturnValue:
    """Ask for another letter, with what was chosen before."""
    waiting = sessions.waiting()
    if waiting is None:
        return redirect(url_for("security.login"), 303)
    before = db.session.get(Proof, waiting["id"])
    flash(gettext("Another letter is on its way."), "info")
    password = before.password if before else None
    return _write(waiting["email"], waiting["next"], password, is_new=waiting["is_new"])


@accounts.route("/sign-in/code", methods=["GET", "POST"])
@may_enter(PUBLIC)
@checks_code
def code() -> ResponseReturnValue:
    """Enter the six digits, in the browser that asked for them."""
    waiting = sessions.waiting()
    if waiting is None:
        return redirect(url_for("security.login"), 303)
    form = CodeForm()
    if form.validate_on_submit():
        proven = proofs.spend_code(waiting["id"], form.code.data or "")
        db.session.commit()
        if proven:
            return _enter(proven)
        form.code.errors = [gettext("This code is wrong, used or expired. Five tries, then ask for another.")]
    return render_template("accounts/code.html", form=form, waiting=waiting)


@accounts.route("/confirm/<token>", methods=["GET", "POST"], endpoint="confirm")
@accounts.route("/sign-in/link/<token>", methods=["GET", "POST"])
@may_enter(PUBLIC)
@checks_secret
def link(token: str) -> ResponseReturnValue:
    """The link of a letter: a page with one button, because mail scanners open links but press nothing."""
    form = PressForm()
    is_pressed = form.validate_on_submit()
    proven = proofs.spend_link(token) if is_pressed else proofs.by_link(token)
    if proven is None:
        return _gone()
    return _enter(proven) if is_pressed else render_template("accounts/link.html", form=form, proven=proven)


@accounts.get("/account/security")
@may_enter(READER)
def security() -> str:
    """Password, address and sessions of the reader."""
    return render_template("accounts/security.html", form=NewAddressForm())


@accounts.post("/account/security/address")
@may_enter(READER)
@checks_secret
@writes_letters
def change_address() -> ResponseReturnValue:
    """Send a link to the new address; nothing changes before this reader opens it."""
    form = NewAddressForm()
    if not form.validate_on_submit():
        return render_template("accounts/security.html", form=form)
    if readers.is_known(form.address):
        mail.write("address_taken", form.address)
    else:
        begun = proofs.begin(form.address, Purpose.CHANGE, reader_id=current_user.id, link_for=CHANGE_LINK)
        letters.with_proof("email_change", form.address, begun, "accounts.new_address")
    db.session.commit()
    flash(
        gettext("We have written to %(email)s. The link in it works for one hour.", email=form.address),
        "info",
    )
    return redirect(url_for("accounts.security"), 303)


@accounts.route("/account/security/address/<token>", methods=["GET", "POST"])
@may_enter(READER)
@checks_secret
def new_address(token: str) -> ResponseReturnValue:
    """The link to a new address: one button, only for the reader who asked."""
    form = PressForm()
    proven = proofs.by_link(token, Purpose.CHANGE)
    if proven is None or proven.reader_id != current_user.id:
        return _gone()
    if not form.validate_on_submit():
        return render_template("accounts/new_address.html", form=form, proven=proven)
    before = current_user.email
    if not proofs.spend_link(token, Purpose.CHANGE) or not readers.move(current_user, proven.email):
        return _gone()
    mail.write("email_changed_notice", before, new=proven.email)
    login_user(readers.by_id(current_user.id), remember=False, authn_via=["email"])
    db.session.commit()
    flash(gettext("Your address is now %(email)s.", email=proven.email), "success")
    return redirect(url_for("accounts.security"), 303)


@accounts.post("/account/security/sign-out-everywhere")
@may_enter(READER)
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session of this reader, this one included."""
    readers.end_sessions(current_user)
    logout_user()
    db.session.commit()
    flash(gettext("You are signed out in every browser."), "success")
    return redirect(url_for("articles.front"), 303)


def _write(email: str, next_path: str | None, password: str | None, *, is_new: bool) -> Response:
    """Write the letter that fits; the answer is the same whether the address has an account or not."""
    is_known = readers.is_known(email)
    kind, endpoint, link_for = LETTERS[is_new, is_known]
    begun = proofs.begin(email, password=password, next_path=next_path, link_for=link_for)
    letters.with_proof(kind, email, begun, endpoint)
    db.session.commit()
    sessions.wait_for({"id": begun.id, "email": email, "next": next_path, "is_new": is_new})
    return redirect(url_for("accounts.code"), 303)


def _enter(proven: Proven) -> Response:
    """Sign in whoever proved the address.

    A password chosen at sign-up counts only in the browser that chose it. Otherwise whoever signs up with the
    address of another person would hold a key to the account once that person confirms it.
    """
    waiting = sessions.waiting()
    is_same_browser = waiting is not None and waiting["id"] == proven.id
    reader = readers.find_or_add(proven.email)
    if not reader.active:
        db.session.commit()
        flash(_why_closed(reader), "error")
        return redirect(url_for("security.login"), 303)
    readers.confirm(reader, password=proven.password if is_same_browser else None)
    login_user(reader, remember=False, authn_via=["email"])
    db.session.commit()
    return _welcome(proven, has_lost_password=bool(proven.password and not reader.password))


def _why_closed(reader: Reader) -> str:
    if reader.merged_into_id is not None:
        return str(gettext("This account was joined to your other one. Please sign in with its address."))
    return str(gettext("This account is closed. Write to us if you think it should not be."))


def _welcome(proven: Proven, *, has_lost_password: bool) -> Response:
    if has_lost_password:
        flash(
            gettext("You are signed in. As you began in another browser, choose your password again."), "info"
        )
        return redirect(url_for("accounts.security", next=proven.next), 303)
    flash(gettext("You are signed in."), "success")
    return redirect(destination(proven.next), 303)


def _gone() -> ResponseReturnValue:
    return render_template("accounts/letter.html", form=AddressForm(formdata=None), is_gone=True), 410
