"""Closes connections that are too slow: a request's head must arrive within ten seconds, and the client must
read its answer.

uvicorn's protocol closes connections that are idle after an answer. It keeps a connection for ever that sends
nothing or half a head, or never reads; those are closed here. For slow bodies see feedback/web/bodies.py.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from feedback.errors import ApiError
from feedback.web.asgi import make_refusal
from feedback.web.errors import RequestMalformed, RequestTooSlow

HEAD_WITHIN_S = 10.0
TAKEN_WITHIN_S = 60.0  # the server buffers 64 kB per reader, sent at about a kilobyte a second


class PatientProtocol(H11Protocol):
    """uvicorn's HTTP protocol with two timeouts in seconds: `head_within_s` and `taken_within_s`."""

    head_within_s = HEAD_WITHIN_S
    taken_within_s = TAKEN_WITHIN_S
    _head_timer: asyncio.TimerHandle | None = None
    _taking_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            transport.abort()  # before the process runs out of files, which the store needs too
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head_timer, self._taking_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._end_head_timer()
        elif self._head_timer is None:
            self._expect_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taking_timer = self.loop.call_later(self.taken_within_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._taking_timer is not None:
            self._taking_timer.cancel()
            self._taking_timer = None

    def send_400_response(self, msg: str) -> None:
        self._refuse(RequestMalformed("it cannot be read"))

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_within_s, self._end_for_head)

    def _end_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_for_head(self) -> None:
        if self.transport.is_closing():
            return
        if self.conn.trailing_data[0]:
            self._refuse(RequestTooSlow("head", f"within {self.head_within_s:.0f} seconds"))
        else:
            self.transport.close()

    def _refuse(self, error: ApiError) -> None:
        """Answers a connection that never sent a full request, if it can still carry an answer."""
        status, headers, body = make_refusal(error)
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            for event in (
                h11.Response(status_code=status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
