"""Whole mail dialogues with Python's own clients: log in, read or send, quit cleanly."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl

from tests.servers.endpoints import DOMAIN, Account, Door
from tests.servers.messages import on_the_wire
from tests.servers.ports import LOOPBACK

TIMEOUT_SECONDS = 30


def trust(door: Door) -> ssl.SSLContext:
    """A context that verifies against the door's CA file, host name included."""
    return ssl.create_default_context(cafile=str(door.ca))


def imap_client(door: Door) -> imaplib.IMAP4:
    """Connect, and encrypt in the door's way."""
    if door.tls == "implicit":
        return imaplib.IMAP4_SSL(LOOPBACK, door.port, ssl_context=trust(door), timeout=TIMEOUT_SECONDS)
    client = imaplib.IMAP4(LOOPBACK, door.port, timeout=TIMEOUT_SECONDS)
    if door.tls == "starttls":
        client.starttls(trust(door))
    return client


def pop3_client(door: Door) -> poplib.POP3:
    """Connect, and encrypt in the door's way."""
    if door.tls == "implicit":
        return poplib.POP3_SSL(LOOPBACK, door.port, context=trust(door), timeout=TIMEOUT_SECONDS)
    client = poplib.POP3(LOOPBACK, door.port, timeout=TIMEOUT_SECONDS)
    if door.tls == "starttls":
        client.stls(trust(door))
    return client


def smtp_client(door: Door) -> smtplib.SMTP:
    """Connect, and encrypt in the door's way."""
    name = f"client.{DOMAIN}"
    if door.tls == "implicit":
        return smtplib.SMTP_SSL(LOOPBACK, door.port, name, context=trust(door), timeout=TIMEOUT_SECONDS)
    client = smtplib.SMTP(LOOPBACK, door.port, name, timeout=TIMEOUT_SECONDS)
    if door.tls == "starttls":
        client.starttls(context=trust(door))
    return client


def read_by_imap(door: Door, account: Account) -> list[bytes]:
    """Every message of INBOX, as the protocol carries it; nothing is changed on the server."""
    client = imap_client(door)
    try:
        client.login(account.user, account.password)
        expect(client.select("INBOX", readonly=True), "OK")
        found = expect(client.search(None, "ALL"), "OK")
        messages = []
        for number in found[0].split():
            items = expect(client.fetch(number.decode(), "(BODY.PEEK[])"), "OK")
            messages.append(items[0][1])
    finally:
        answer = client.logout()
    expect(answer, "BYE")
    return messages


def read_by_pop3(door: Door, account: Account) -> list[bytes]:
    """Every message of the maildrop, as the protocol carries it, dots unstuffed."""
    client = pop3_client(door)
    client.user(account.user)
    client.pass_(account.password)
    count, _octets = client.stat()
    messages = [b"".join(line + b"\r\n" for line in client.retr(number + 1)[1]) for number in range(count)]
    assert client.quit().startswith(b"+OK")
    return messages


def send_by_smtp(door: Door, account: Account, recipient: Account, message: bytes) -> None:
    """Log in and send one message (LF or CRLF line ends)."""
    client = smtp_client(door)
    client.login(account.user, account.password)
    refused = client.sendmail(
        f"{account.user}@{DOMAIN}", [f"{recipient.user}@{DOMAIN}"], on_the_wire(message)
    )
    assert not refused
    assert client.quit()[0] == 221


def expect(answer: tuple[str, list], status: str) -> list:  # type: ignore[type-arg]
    """The data of an imaplib answer, which must have that status."""
    assert answer[0] == status, answer
    return answer[1]


def letter(token: str) -> bytes:
    """A message to send: its body has what a relay may take for protocol. LF line ends."""
    return (
        f"From: alice@{DOMAIN}\nTo: bob@{DOMAIN}\nSubject: {token}\nDate: Mon, 05 Jan 2026 11:00:00 +0000\n"
        f"Message-ID: <{token}@{DOMAIN}>\n\nToken {token}\n.\n..two dots\nQUIT\nRSET\nthe last line\n"
    ).encode()


def body(message: bytes) -> bytes:
    """What follows the first blank line, with LF line ends: relays add header fields, never body lines."""
    return message.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
