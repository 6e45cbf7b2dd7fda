"""What the server itself refuses, before or instead of the application."""

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
    """A moving window is full (feedback/web/limits.py)."""

    def __init__(self, limit: str, retry_after_s: int) -> None:
        super().__init__(
            429,
            "too_many_requests",
            f"Too many requests ({limit}).",
            f"Send it again, under the same event id, in {retry_after_s} s; apps have no such limit.",
            retry_after_s=retry_after_s,
        )


class ServerFailed(ApiError):
    """A mistake of ours that not even the application caught; the log has it."""

    def __init__(self) -> None:
        super().__init__(500, "server_failed", "The service made a mistake.", "Its log says which.")


class ServerCrowded(ApiError):
    """Every thread works and too many requests wait for one."""

    def __init__(self) -> None:
        super().__init__(
            503,
            "server_crowded",
            "Too many requests at once.",
            "Repeat it: a write under the same event id happens once.",
            retry_after_s=1,
        )
