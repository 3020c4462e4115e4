"""What the stand-in answers when it refuses: one exception with Stripe's type, code and parameter."""

from enum import StrEnum
from typing import Any

Doc = dict[str, Any]


class ErrorType(StrEnum):
    """The `type` of a Stripe error (https://docs.stripe.com/api/errors)."""

    API = "api_error"
    CARD = "card_error"
    IDEMPOTENCY = "idempotency_error"
    REQUEST = "invalid_request_error"


class SandboxError(Exception):
    """A refused request. `keep` commits what was written before it (a declined charge stays on the books)."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: ErrorType = ErrorType.REQUEST,
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        keep: bool = False,
        replayable: bool = True,
        more: Doc | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.decline_code = decline_code
        self.keep = keep
        self.replayable = replayable
        self.more = more or {}

    def body(self) -> Doc:
        """The JSON document of the answer: `{"error": {...}}`; absent facts are left out, as Stripe does."""
        facts = {
            "code": self.code,
            "decline_code": self.decline_code,
            "message": self.message,
            "param": self.param,
            "type": self.type.value,
            **self.more,
        }
        if self.code:
            facts["doc_url"] = f"https://docs.stripe.com/error-codes#{self.code.replace('_', '-')}"
        return {"error": {name: value for name, value in facts.items() if value is not None}}


def resource_missing(kind: str, id: str, param: str = "id") -> SandboxError:
    """404, as for any id that Stripe does not know."""
    return SandboxError(f"No such {kind}: '{id}'", status=404, code="resource_missing", param=param)


def invalid(message: str, param: str | None = None, code: str | None = None) -> SandboxError:
    """400, for a request that cannot be carried out; never saved under an idempotency key."""
    return SandboxError(message, code=code, param=param, replayable=False)


def card_declined(code: str, decline_code: str | None, message: str, **more: Any) -> SandboxError:
    """402, with the attempt kept on the books."""
    return SandboxError(
        message,
        status=402,
        type=ErrorType.CARD,
        code=code,
        decline_code=decline_code,
        keep=True,
        more=more,
    )
