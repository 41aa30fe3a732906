"""How it is said in the log what guards did with deletions, and whom a brake holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from structlog.typing import FilteringBoundLogger

from mailproxy.events import ArchiveFailed, BrakeHeld, CaptureWanted, MovedToTrash, TrashFailed

RELEASE = "find out which program deletes so much, then let it go on with: mailproxy release"
STAYS = "nothing is lost: the messages stay where they are, marked as deleted"


def _brake_held(log: FilteringBoundLogger, event: BrakeHeld) -> None:
    log.error("brake.held", user=event.user, rule=event.rule, why=event.why, hint=RELEASE)


def _moved_to_trash(log: FilteringBoundLogger, event: MovedToTrash) -> None:
    log.info("trash.moved", mailbox=event.mailbox, trash=event.trash, messages=event.messages)


def _trash_failed(log: FilteringBoundLogger, event: TrashFailed) -> None:
    log.warning("trash.failed", mailbox=event.mailbox, why=event.why, hint=STAYS)


def _archive_failed(log: FilteringBoundLogger, event: ArchiveFailed) -> None:
    log.error("archive.failed", mailbox=event.mailbox, why=event.why, hint=STAYS)


def _capture_wanted(log: FilteringBoundLogger, event: CaptureWanted) -> None:
    log.info("capture.wanted", rule=event.rule)


GUARDS: dict[type, Callable[[FilteringBoundLogger, Any], None]] = {
    BrakeHeld: _brake_held,
    CaptureWanted: _capture_wanted,
    MovedToTrash: _moved_to_trash,
    TrashFailed: _trash_failed,
    ArchiveFailed: _archive_failed,
}
"""A row for each kind of event."""
