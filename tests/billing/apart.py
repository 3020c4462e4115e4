"""Browsers that share nothing with the test's own context, and what a reader sees in one."""

from typing import Any

from flask import has_app_context
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from paywall.db import db
from tests.articles.files import SECRET, TEASER

ARTICLE = "/article/the-house"


class Apart(FlaskClient):
    """A browser whose requests share nothing with the test's own context, nor with another browser's."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request."""
        if has_app_context():
            db.session.rollback()
        with self.application.app_context():
            # What is streamed is read now: it holds on to its context until its end.
            return super().open(*args, **{"buffered": True, **kwargs})


def reads(client: FlaskClient) -> bool:
    """Whether the article is there in full; if not, no word of the rest leaves the house."""
    page = client.get(ARTICLE).text
    assert TEASER in page
    return SECRET in page
