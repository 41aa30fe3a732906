"""What the tests of the embedded servers share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

DOTS = b"Subject: dots\r\nFrom: one@example.com\r\n\r\n.\r\n..two\r\nend\r\n"
PLAIN = b"Subject: plain\r\nFrom: Two <two@example.com>\r\n\r\nhello\r\n"

Talk = Callable[..., Awaitable[bytes]]
