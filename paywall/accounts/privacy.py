"""Headers of pages that are about one person."""

from werkzeug.wrappers import Response


def unshared(response: Response) -> Response:
    """Kept by no cache on the way, and by no browser for whoever sits there next."""
    response.headers["Cache-Control"] = "private, no-store"
    return response


def unreferred(response: Response) -> Response:
    """An address with a secret in it is told to no other site."""
    response.headers["Referrer-Policy"] = "same-origin"
    return response
