"""/api/v1: what can be asked and handed in, and the document that tells of it."""

import json

from flask import Blueprint, Response, current_app, render_template, request, url_for

from paywall import clock
from paywall.access.decision import trace
from paywall.access.visitors import NOBODY
from paywall.accounts import addresses
from paywall.accounts.privacy import for_all, unshared
from paywall.accounts.routes import PUBLIC, may_enter
from paywall.api import callers, document, given, manuals, reading, shapes, writing
from paywall.api.models import Scope
from paywall.api.operations import JSON, READING, Operation, does, reply
from paywall.api.problems import OutOfScope, Wrong, WrongFields
from paywall.articles import pictures
from paywall.articles.models import Article
from paywall.articles.typesetting import Kept
from paywall.db import db
from paywall.errors import NotFound

ROOT = "/api/v1"
PICTURES = ("image/jpeg", "image/png", "image/webp")
EXAMPLE = {
    "title": "The tram in the snow",
    "section": "City",
    "standfirst": "Line 22 ran all night.",
    "body_markdown": "Everybody saw it leave.\n\n<!-- more -->\n\nNobody saw it return.",
    "gate": "patrons",
    "published_at": "2026-11-24T06:00:00Z",
}

api = Blueprint("api", __name__, url_prefix=ROOT)
api.before_request(callers.enter)


@api.get("/articles")
@does(
    Operation(
        "Articles, newest first",
        {200: shapes.ArticlePage},
        query=given.ArticlesAsked,
        about="As far as whoever asks may read each of them. Those that are not out yet are not among them.",
    )
)
def articles(query: given.ArticlesAsked) -> Response:
    """The newest articles."""
    now = clock.now()
    return reply(reading.page(query, callers.visitor(now), now))


@api.get("/articles/<slug>")
@does(
    Operation(
        "One article",
        {200: shapes.WholeArticle | shapes.Article},
        refuses=(404,),
        about="With `html` only where `access.show` is full. A token with the scope articles:read sees the"
        " whole text, and articles that are not out yet. The ETag is what If-Match wants when it is written.",
    )
)
def article(slug: str) -> Response:
    """One article."""
    now = clock.now()
    unseen = Scope.ARTICLES_READ in callers.caller().scopes
    found = reading.article(slug, callers.visitor(now), now, unseen=unseen)
    if found is None:
        raise NotFound(f"There is no article {slug!r}.")
    return reply(found, tag=writing.tag(found.version))


@api.put("/articles/<slug>")
@does(
    Operation(
        "Create or replace an article",
        {200: shapes.KeptArticle, 201: shapes.KeptArticle},
        scope=Scope.ARTICLES_WRITE,
        body=given.ArticleGiven,
        types=(JSON,),
        refuses=(409, 412),
        if_match=True,
        about="Sent again, it changes nothing. What is left out is empty then. In force within a second.",
        example=EXAMPLE,
    )
)
def put_article(slug: str, body: given.ArticleGiven) -> Response:
    """Create or replace an article."""
    return _kept(*writing.put(slug, body))


@api.patch("/articles/<slug>")
@does(
    Operation(
        "Change some fields of an article",
        {200: shapes.KeptArticle},
        scope=Scope.ARTICLES_WRITE,
        body=given.ArticleChange,
        types=("application/merge-patch+json", JSON),
        refuses=(404, 409, 412),
        if_match=True,
        example={"gate": "public"},
    )
)
def patch_article(slug: str, body: given.ArticleChange) -> Response:
    """Change some fields of an article."""
    return _kept(*writing.patch(slug, body))


@api.delete("/articles/<slug>")
@does(
    Operation(
        "Unpublish an article",
        {204: None},
        scope=Scope.ARTICLES_WRITE,
        refuses=(404, 412),
        if_match=True,
        about="It is kept, and a PUT or PATCH with published_at brings it back.",
    )
)
def delete_article(slug: str) -> Response:
    """Unpublish an article."""
    writing.withdraw(slug)
    db.session.commit()
    return Response(status=204)


@api.post("/pictures")
@does(
    Operation(
        "Hand in a picture",
        {200: shapes.KeptPicture, 201: shapes.KeptPicture},
        scope=Scope.ARTICLES_WRITE,
        query=given.PictureAsked,
        types=PICTURES,
        refuses=(409,),
        about="The body is the file itself: JPEG, PNG or WebP, up to 8 MiB, 40 million pixels and 10000 a"
        " side. Only its pixels are kept, at most 1600 wide, and nothing of camera or place. Sent again it"
        " changes nothing; another picture needs another name.",
    )
)
def post_picture(query: given.PictureAsked) -> Response:
    """Hand in a picture."""
    request.max_content_length = pictures.LARGEST
    picture, kept = writing.hand_in(query.name, request.get_data())
    url = reading.url("articles.picture", name=picture.name)
    shape = shapes.KeptPicture(name=picture.name, url=url, width=picture.width, height=picture.height)
    return reply(shape, 201 if kept is Kept.ADDED else 200, headers={"Location": url})


@api.get("/access")
@does(
    Operation(
        "May this reader read this?",
        {200: shapes.AccessAnswer},
        scope=Scope.ACCESS_READ,
        or_reader=True,
        query=given.AccessAsked,
        refuses=(404,),
        about="For a token with the scope access:read, about any reader; for a reader's own token, about"
        " themself. Free reads, gift links and the networks of institutions are for people at the site, and"
        " not asked here.",
    )
)
def access(query: given.AccessAsked) -> Response:
    """Whether a reader may read an article, and why."""
    now, email = clock.now(), _whose(query)
    gate = reading.gate(query.article, now)
    if gate is None:
        raise NotFound(f"There is no article {query.article!r}.")
    known = callers.reader(email, now)
    visitor = known or NOBODY
    return reply(
        shapes.AccessAnswer(
            article=query.article,
            reader=email,
            is_known=known is not None,
            access=reading.access(gate, visitor, now),
            trace=tuple(shapes.Tried.of(one) for one in trace(gate, visitor, now)),
        )
    )


@api.get("/plans")
@does(Operation("Plans on offer", {200: shapes.Plans}))
def plans() -> Response:
    """The plans that anyone can join."""
    return reply(reading.on_offer())


@api.get("/openapi.json")
@may_enter(PUBLIC)
def openapi() -> Response:
    """All of this as an OpenAPI 3.1 document."""
    response = Response(json.dumps(document.of(current_app)), content_type=JSON)
    response.add_etag()
    response.make_conditional(request.environ)
    return response


@api.get("/")
@may_enter(PUBLIC)
def manual() -> Response:
    """The same as a page, with a form to try each call."""
    response = Response(render_template("api/manual.html", **manuals.of(document.of(current_app))))
    response.add_etag()
    response.make_conditional(request.environ)
    return response


@api.after_request
def _for_whom(response: Response) -> Response:
    """Let any cache and any site have what any visitor gets, and nobody else the rest."""
    response.vary.add("Authorization")
    has_token = "Authorization" in request.headers
    if has_token or request.method not in READING:
        unshared(response)
        return response
    response.headers["Access-Control-Allow-Origin"] = "*"
    return for_all(response, response.headers.get("Cache-Control", "public, no-cache"))


def _kept(article: Article, kept: Kept) -> Response:
    shape = shapes.KeptArticle(
        slug=article.slug,
        url=reading.url("articles.article", slug=article.slug),
        version=article.version,
        outcome=kept,
        published_at=article.published_at,
    )
    db.session.commit()
    place = url_for("api.article", slug=shape.slug)
    status = 201 if kept is Kept.ADDED else 200
    return reply(shape, status, tag=writing.tag(shape.version), headers={"Location": place})


def _whose(asked: given.AccessAsked) -> str:
    """The address of the reader who is asked about; raises WrongFields and OutOfScope."""
    given = addresses.normalise(asked.reader) if asked.reader else callers.caller().email
    if given is None:
        raise WrongFields([Wrong("give the reader's e-mail address", parameter="reader")])
    if callers.caller().email not in {None, given}:
        raise OutOfScope("A reader's own token is for themself only.", Scope.ACCESS_READ)
    return given
