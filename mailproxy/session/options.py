"""What a listener asks of its sessions."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailproxy.proto.dialect import Limits


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of a session that do not change while it lasts.

    ``guard`` False is the ``observe`` mode: everything is forwarded, nothing is
    judged, and what cannot be read is passed on blindly and noted.
    """

    guard: bool = True
    starttls: bool = False  # the client's leg may be upgraded by STARTTLS or STLS
    tls_required: bool = False  # no login before the client's leg is encrypted
    errors: int = 20  # so many unreadable or unknown commands end the session
    pipeline: int = 1000  # so many commands may be open; more are not read
    limits: Limits = field(default_factory=Limits)
