"""``mailproxy capture diff``: what two servers said differently."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mailproxy.cli.capture_files import OneFile, say
from mailproxy.cli.capture_show import Leg
from mailproxy.cli.errors import say_error
from mailproxy.cli.opened import AsJson
from mailproxy.cli.progress import reading
from mailproxy.cli.tables import print_json, print_table

if TYPE_CHECKING:
    from mailproxy.capture.difference import Difference
    from mailproxy.capture.profile import Profile

    Compared = tuple[Profile, Profile, list[Difference]]

_SHOWN = 3  # differences of one kind in the table
_SESSIONS = re.compile(r"([1-9][0-9]{0,8}):([1-9][0-9]{0,8})")
_HEAD = ("session", "difference", "what", "before", "after")


def diff(
    file: OneFile,
    other: Annotated[
        Path | None, typer.Argument(metavar="OTHER", help="The capture to compare with.", show_default=False)
    ] = None,
    session: Annotated[
        str | None,
        typer.Option("--session", "-n", help="Only session N of FILE with M of OTHER.", metavar="N:M"),
    ] = None,
    leg: Annotated[
        Leg | None,
        typer.Option(
            "--leg", help="Which connection of recorded sessions; else the client's.", show_default=False
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All differences, not three of each kind.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a server showed differently: before a migration in FILE, after it in OTHER.

    Compared are UIDLs, UIDVALIDITY, UIDs, messages and their sizes, capabilities, folders, statuses,
    replies, the greeting and the times to the replies, what hurts most first. Sessions with the same
    protocol and user are compared with one another, all together; else those of the same protocol in order.
    Without OTHER, --session compares two sessions of FILE. What only one of the clients asked for is
    told as such, and what the servers said to it is not compared.

    \b
    Exit codes: 0 no difference, 1 differences, 2 trouble.

    \b
    Examples:
      mailproxy capture diff before.pcapng after.pcapng
      mailproxy capture diff dump.pcap --session 2:5
      mailproxy capture diff before.pcapng after.pcapng --leg server --json
    """
    numbers = _numbers(session)
    if other is None and numbers is None:
        raise typer.BadParameter("name another capture, or two sessions of this one with --session N:M")
    left = _profiles(file, numbers and numbers[0], leg)
    right = _profiles(other or file, numbers and numbers[1], leg)
    compared = list(_compared(left, right, by_number=numbers is not None))
    if as_json:
        print_json([_described(*one) for one in compared])
    else:
        print_table(_HEAD, _rows(compared, all_))
    if any(found for _, _, found in compared):
        raise typer.Exit(1)


def _numbers(session: str | None) -> tuple[int, int] | None:
    if session is None:
        return None
    match = _SESSIONS.fullmatch(session)
    if match is None:
        raise typer.BadParameter("two numbers of sessions are needed, such as 2:5", param_hint="--session")
    return int(match[1]), int(match[2])


def _profiles(file: Path, number: int | None, leg: Leg | None) -> list[Profile]:
    from mailproxy.capture.choosing import Choice
    from mailproxy.capture.conversations import conversations
    from mailproxy.capture.model import CaptureError
    from mailproxy.capture.profiling import profiles

    choice = Choice(number, leg.value if leg else None)
    try:
        with reading(file) as progress:
            found = profiles(conversations(file, None, progress, choice.wants))
    except CaptureError as error:
        _trouble(str(error))
    except OSError as error:
        _trouble(f"{file}: {error.strerror or error}")
    if not found:
        _trouble(f"{file}: there is no such mail session in it; see mailproxy capture list {file}")
    return found


def _trouble(text: str) -> NoReturn:
    say_error(text)
    raise typer.Exit(2)


def _compared(left: list[Profile], right: list[Profile], *, by_number: bool) -> Iterator[Compared]:
    from mailproxy.capture.difference import differences
    from mailproxy.capture.session_matching import paired

    if by_number:
        (one, *_), (another, *_) = left, right
        if one.protocol != another.protocol:
            _trouble(f"one session is {one.protocol}, the other {another.protocol}: nothing to compare")
        yield one, another, differences(one, another)
        return
    pairs, only_left, only_right = paired(left, right)
    for profile in (*only_left, *only_right):
        say(f"{_name(profile)}: only in one of the captures")
    if not pairs:
        _trouble("the captures have no protocol in common")
    for one, another in pairs:
        yield one, another, differences(one, another)


def _rows(compared: Iterable[Compared], all_: bool) -> Iterator[tuple[str, ...]]:
    for one, _, found in compared:
        for kind, group in groupby(found, key=lambda difference: difference.kind):
            some = list(group)
            for each in some if all_ else some[:_SHOWN]:
                yield _name(one), kind.value, each.what, each.before, each.after
            if len(some) > _SHOWN and not all_:
                yield _name(one), kind.value, f"and {len(some) - _SHOWN} more; see --all", "", ""


def _name(profile: Profile) -> str:
    return f"{profile.protocol} {profile.user}".rstrip()


def _described(one: Profile, other: Profile, found: list[Difference]) -> dict[str, object]:
    return {
        "protocol": one.protocol,
        "user": one.user,
        "sessions": [one.sessions, other.sessions],
        "differences": [
            {
                "kind": each.kind.name.lower(),
                "meaning": each.kind.value,
                "what": each.what,
                "before": each.before,
                "after": each.after,
            }
            for each in found
        ],
    }
