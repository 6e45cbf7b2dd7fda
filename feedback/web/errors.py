"""Errors that the server itself raises, before or instead of the application."""

from feedback.errors import ApiError


class RequestMalformed(ApiError):
    def __init__(self, why: str) -> None:
        super().__init__(400, "request_malformed", f"This is no HTTP request: {why}.")


class RequestTooSlow(ApiError):
    def __init__(self, part: str, rule: str) -> None:
        super().__init__(
            408, "request_too_slow", f"The request's {part} came too slowly.", f"It has to come {rule}."
        )


class TooManyRequests(ApiError):
    """The caller used up a rate limit, which is a moving window (feedback/web/limits.py)."""

    def __init__(self, limit: str, retry_after_s: int) -> None:
        super().__init__(
            429,
            "too_many_requests",
            f"Too many requests ({limit}).",
            f"Send it again, under the same event id, in {retry_after_s} s; apps have no such limit.",
            retry_after_s=retry_after_s,
        )


class ServerFailed(ApiError):
    """A bug that not even the application caught; the log has the traceback."""

    def __init__(self) -> None:
        super().__init__(500, "server_failed", "The service made a mistake.", "Its log says which.")


class ServerCrowded(ApiError):
    """All threads are busy, and too many requests already wait for one."""

    def __init__(self) -> None:
        super().__init__(
            503,
            "server_crowded",
            "Too many requests at once.",
            "Repeat it: a write under the same event id happens once.",
            retry_after_s=1,
        )
