"""The player for a recording, whatever its protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailproxy.player.imap import ImapPlayer
from mailproxy.player.pop3 import Pop3Player
from mailproxy.player.smtp import SmtpPlayer
from mailproxy.player.terms import Choose, Memory, Passwords, Player, Tls

if TYPE_CHECKING:
    from mailproxy.capture.exchanges import Recording

_PLAYERS: dict[str, type[Pop3Player] | type[ImapPlayer] | type[SmtpPlayer]] = {
    "pop3": Pop3Player,
    "imap": ImapPlayer,
    "smtp": SmtpPlayer,
}


def player_of(
    recording: Recording,
    *,
    password: Passwords | None = None,
    tls: Tls = "none",
    memory: Memory | None = None,
    choose: Choose | None = None,
) -> Player:
    """One connection with the recorded server.

    ``password`` gives a user's password, None for a user who is not known; without it, any
    password will do. ``memory`` is shared by connections of which one is to see what another did.
    ``choose`` may name another recording once it is known who has logged in.
    """
    made = _PLAYERS[recording.conversation.protocol]
    return made(recording, password=password, tls=tls, memory=memory, choose=choose)
