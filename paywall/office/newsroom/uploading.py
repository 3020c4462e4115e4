"""A picture that an editor sends with the text: developed, kept, and put into the text or over it."""

from html import escape

from flask import current_app, request

from paywall.articles import darkroom, pictures
from paywall.articles.pictures import NotAPicture
from paywall.config import Settings
from paywall.db import db
from paywall.office.newsroom import written
from paywall.office.newsroom.forms import ArticleForm

NO_FILE = "Choose a file first."
NO_WORDS = "Say what it shows, for readers who hear the page. Then choose the file once more."


def upload(form: ArticleForm, *, is_html: bool) -> None:
    """Develop the picture that was sent, and put it into the text or over it; nothing else is saved."""
    file, alt = request.files.get("upload"), " ".join((form.upload_alt.data or "").split())
    if file is None or not file.filename:
        form.upload.errors = [NO_FILE]
        return
    if not alt:
        form.upload_alt.errors = [NO_WORDS]
        return
    # No transaction is open while a picture is worked on.
    db.session.rollback()
    try:
        name = _keep(file.filename, file.read())
    except NotAPicture as wrong:
        form.upload.errors = [f"The file {wrong}."]
        return
    form.upload_alt.data = ""
    if form.upload_place.data == "lead":
        form.picture.data, form.picture_alt.data = name, alt
    else:
        form.body.data = _with_picture(form, name, alt, is_html=is_html)


def _keep(filename: str, data: bytes) -> str:
    """Put the picture and its smaller ones in their place; its name."""
    settings: Settings = current_app.extensions["settings"]
    developed = darkroom.develop(filename, data)
    for picture in developed:
        pictures.put(picture, settings.data_dir / "pictures")
    return developed[0].name


def _with_picture(form: ArticleForm, name: str, alt: str, *, is_html: bool) -> str:
    """The text with the picture where the cursor stood, or at its end."""
    text, caret = written.plain_lines(form.body.data or ""), form.caret.data or ""
    at = min(int(caret), len(text)) if caret.isdecimal() and len(caret) < 10 else len(text)
    plain = "".join(f"\\{sign}" if sign in "\\[]" else sign for sign in alt)
    shown = f"![{plain}](/pictures/{name})"
    if is_html:
        shown = f'<figure><img src="/pictures/{name}" alt="{escape(alt)}"></figure>'
    return f"{text[:at].rstrip()}\n\n{shown}\n\n{text[at:].lstrip()}".strip() + "\n"
