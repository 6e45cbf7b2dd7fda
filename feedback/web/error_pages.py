"""Turns any exception into an answer: JSON for the API and for programs, an HTML page for people with the
text that feedback/web/refusals.py has for the code.

This is the only place that catches everything. An unexpected error is logged with its traceback and answered
with 500, without its text.
"""

import logging
from collections.abc import Mapping

from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from feedback.errors import ApiError, BodyTooLarge, SignInNeeded, StoreBusy
from feedback.web.auth import find_actor
from feedback.web.refusals import find_heading, find_sentence
from feedback.web.services import services
from feedback.web.ways_on import find_way_on

log = logging.getLogger(__name__)

# Our texts for errors that Werkzeug itself raises.
KNOWN: Mapping[int, tuple[str, str]] = {
    400: ("request_unreadable", "The request could not be read."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
    408: ("request_timeout", "The request took too long to arrive."),
    414: ("address_too_long", "The address is too long."),
    415: ("content_type_wrong", "The content type is not JSON."),
    431: ("headers_too_large", "The headers are too large."),
}


def wants_page() -> bool:
    """Whether to answer with an HTML page: the address is not an API call, and the browser prefers HTML."""
    if request.path.startswith("/v1/") or request.path == "/openapi.json":
        return False
    return request.accept_mimetypes.best_match(("application/json", "text/html")) == "text/html"


def render_error(error: ApiError) -> AnyResponse:
    if isinstance(error, SignInNeeded) and wants_page():
        asked = request.full_path.rstrip("?") if request.method == "GET" else None  # a form has no page
        return redirect(url_for("sign_in.show", next=asked))
    answer: Response
    if wants_page():
        answer = Response(render_page(error), mimetype="text/html")
    else:
        answer = jsonify(error.to_json())
    answer.status_code = error.status
    if error.retry_after_s is not None:
        answer.headers["Retry-After"] = str(error.retry_after_s)
    if error.status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def render_page(error: ApiError) -> str:
    return render_template(
        "error.html",
        status=error.status,
        heading=gettext(find_heading(error.status)),
        sentence=gettext(find_sentence(error.code)),
        home=find_home(),
        way_on=find_way_on(error, find_role()),
    )


def find_role() -> str | None:
    """The role of the page's reader; None if nobody is signed in or if finding out raises an error."""
    try:
        actor = find_actor()
    except ApiError:
        return None
    return None if actor is None else actor.role


def find_home() -> str | None:
    """The page to start again from. A customer is never sent to the pages of the staff."""
    if not request.path.startswith("/chat"):
        return "/"
    return "/chat" if services().settings.public_chat else None


def translate(error: HTTPException) -> ApiError:
    """Converts an error of Werkzeug into an error of this service."""
    status = error.code or 500
    if status == 413:
        return BodyTooLarge(request.max_content_length or 0)
    if status >= 500:
        return (
            StoreBusy()
            if status == 503
            else ApiError(status, "internal", "Something went wrong on our side.")
        )
    code, message = KNOWN.get(status, ("request_refused", error.description or "The request was refused."))
    hint = "See /openapi.json for what exists."
    if status == 405:
        valid = getattr(error, "valid_methods", None) or ()
        hint = f"It takes {', '.join(sorted(valid))}." if valid else hint
    return ApiError(status, code, message, hint)


def register_error_pages(app: Flask) -> None:
    @app.errorhandler(ApiError)
    def refuse(error: ApiError) -> AnyResponse:
        return render_error(error)

    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> AnyResponse:
        if error.code is not None and error.code < 400:
            return error.get_response()
        answer = render_error(translate(error))
        valid = getattr(error, "valid_methods", None)
        if valid:
            answer.headers["Allow"] = ", ".join(sorted(valid))
        return answer

    @app.errorhandler(Exception)
    def fail(error: Exception) -> AnyResponse:
        log.exception("request failed: %s %s", request.method, request.path)
        return render_error(
            ApiError(500, "internal", "Something went wrong on our side.", "The log has the details.")
        )
