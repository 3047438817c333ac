"""Failures: errors as answers; a code for programs, a sentence for people, and nothing inside."""

import errno
import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from foveal.annotate.images import UnreadableError
from foveal.core.errors import DataError, FovealError, StoreError
from foveal.store.project import KeyReusedError

log = logging.getLogger("foveal.annotate")
FULL = {errno.ENOSPC, errno.EDQUOT}
WORDS = {
    401: ("login", "Log in first; your session may have ended. Nothing you drew is lost."),
    403: ("forbidden", "Your role does not allow this."),
    404: ("unknown", "There is nothing here."),
    405: ("method", "This address does not take that method."),
    413: ("too_large", "The request is larger than this address takes; send less at a time."),
}
TROUBLE = (
    "The project could not be read or written; nothing you drew is lost. Try again, and if it "
    "stays so, ask whoever keeps the server to read its log."
)


class RefusedError(Exception):
    """A request that is understood and not fulfilled."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def failure(status: int, code: str, message: str) -> JSONResponse:
    """An error as every route answers it."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)


def full_disk(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, says that the disk is full."""
    while error is not None:
        text = str(error).lower()
        if getattr(error, "errno", None) in FULL or "disk is full" in text or "no space" in text:
            return True
        error = error.__cause__
    return False


def install(app: FastAPI) -> None:
    """Turn every error into an answer."""

    @app.exception_handler(RefusedError)
    def refused(_: Request, error: RefusedError) -> JSONResponse:
        return failure(error.status, error.code, error.message)

    @app.exception_handler(HTTPException)
    def plain(_: Request, error: HTTPException) -> JSONResponse:
        code, message = WORDS.get(error.status_code, ("refused", "The request was refused."))
        return failure(error.status_code, code, message)

    @app.exception_handler(RequestValidationError)
    def unfit(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or "the body"
        return failure(422, "unfit", f"`{where}`: {first['msg']}"[:300])

    @app.exception_handler(KeyReusedError)
    def reused(_: Request, error: KeyReusedError) -> JSONResponse:
        return failure(409, "key_reused", str(error))

    @app.exception_handler(UnreadableError)
    def unreadable(_: Request, error: UnreadableError) -> JSONResponse:
        return failure(409, "unreadable", str(error))

    @app.exception_handler(DataError)
    def data(_: Request, error: DataError) -> JSONResponse:
        return failure(422, "data", str(error))

    @app.exception_handler(StoreError)
    def store(_: Request, error: StoreError) -> JSONResponse:
        if full_disk(error):
            message = "The server's disk is full: nothing was saved, and nothing you drew is lost."
            return failure(507, "full", message)
        log.error("%s", error)
        return failure(503, "store", TROUBLE)

    @app.exception_handler(FovealError)
    def other(_: Request, error: FovealError) -> JSONResponse:
        return failure(422, "refused", str(error))

    @app.exception_handler(Exception)
    def unforeseen(_: Request, error: Exception) -> JSONResponse:
        log.exception("unforeseen: %s", type(error).__name__)
        return failure(500, "unforeseen", "Something went wrong on the server; see its log.")
