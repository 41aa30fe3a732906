"""Makes the files of ``captures/`` anew: ``python -m tests.make_captures [NAME ...]``, as root.

Each is one run of the proxy in front of Dovecot and Postfix as the tests start them, with Python's
mail clients in front of it. Users, passwords and messages are those of the tests.
"""

from __future__ import annotations

import imaplib
import poplib
import shutil
import smtplib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.clients.standard_library import expect, imap_client, pop3_client, smtp_client
from tests.proxy_process import PROJECT, Way, mailproxy_running
from tests.servers.dovecot import Dovecot, dovecot_running
from tests.servers.endpoints import ALICE, BOB, DOMAIN, Door, Ports, Protocol, Tls
from tests.servers.maildir import fill
from tests.servers.messages import on_the_wire
from tests.servers.postfix import postfix_running

FOLDER = PROJECT / "captures"
CAPTURE = "[capture]\nall = true\ncompress = false\n"

MESSAGE = """\
From: {sender}@example.test
To: {receiver}@example.test
Date: Mon, 05 Jan 2026 10:0{number}:00 +0000
Message-ID: <{number}.{topic}@example.test>
Subject: {subject}
Content-Type: text/plain; charset=utf-8

{text}
"""


def message(number: int, topic: str, subject: str, text: str) -> bytes:
    """A short letter from Bob to Alice, with LF line ends."""
    return MESSAGE.format(
        sender="bob", receiver="alice", number=number, topic=topic, subject=subject, text=text
    ).encode()


LETTERS = (
    message(1, "lunch", "Lunch on Friday", "Does half past twelve suit you?\n\nBob"),
    message(
        2, "minutes", "Minutes of Monday's meeting", "Three items:\n.\n.. the second has dots\n- all done"
    ),
    message(3, "photos", "Photos", "The photos of the garden will follow.\n"),
)
LONG = message(4, "report", "The long report", "".join(f"Line {n} of a long report.\n" for n in range(400)))


@dataclass(frozen=True)
class Servers:
    """The real servers; ``submission`` are those of Postfix."""

    dovecot: Dovecot
    submission: Ports

    def mail(self, *letters: bytes) -> None:
        """What Alice has in her INBOX from now on."""
        fill(self.dovecot.maildir(ALICE), letters, self.dovecot.uid, self.dovecot.gid)

    @contextmanager
    def proxy(
        self, target: Path, protocol: Protocol, tls: Tls, rules: Sequence[str] = (), more: str = ""
    ) -> Iterator[Door]:
        """A recording proxy; all its sessions become the file ``target`` in the end."""
        ports = {"imap": self.dovecot.imap, "pop3": self.dovecot.pop3, "smtp": self.submission}[protocol]
        way = Way(protocol, protocol, tls, "implicit", ports.secure, self.dovecot.authority.ca)
        files = [PROJECT / f"rules/{name}.toml" for name in rules]
        with TemporaryDirectory() as folder:
            with mailproxy_running(Path(folder), [way], files, more=CAPTURE + more) as running:
                yield running.door(protocol)
            (written,) = Path(folder).glob("state/captures/*.pcapng")
            shutil.copyfile(written, target)


def fetch_and_delete(door: Door) -> None:
    """What a POP3 program does that leaves nothing on the server."""
    client = logged_in(door)
    client.stat()
    client.uidl()
    for number in range(1, len(client.list()[1]) + 1):
        client.retr(number)
        client.dele(number)
    client.quit()


def logged_in(door: Door) -> poplib.POP3:
    client = pop3_client(door)
    client.user(ALICE.user)
    client.pass_(ALICE.password)
    return client


def pop3_program_deletes(servers: Servers, target: Path) -> None:
    servers.mail(*LETTERS)
    with servers.proxy(target, "pop3", "implicit") as door:
        fetch_and_delete(door)


def pop3_program_deletes_with_keep(servers: Servers, target: Path) -> None:
    servers.mail(*LETTERS)
    with servers.proxy(target, "pop3", "implicit", ["pop3-keep"]) as door:
        fetch_and_delete(door)
        fetch_and_delete(door)  # as far as this program can see, there is nothing any more


def pop3_deletion_blocked(servers: Servers, target: Path) -> None:
    servers.mail(*LETTERS)
    with servers.proxy(target, "pop3", "implicit", ["pop3-block-dele"]) as door:
        client = logged_in(door)
        client.retr(1)
        with suppress(poplib.error_proto):
            client.dele(1)
        client.quit()


def pop3_wrong_password(servers: Servers, target: Path) -> None:
    with servers.proxy(target, "pop3", "starttls") as door:
        client = pop3_client(door)
        client.user(ALICE.user)
        with suppress(poplib.error_proto):
            client.pass_("not-her-password")
        client.quit()


def pop3_migration(servers: Servers, target: Path) -> None:
    servers.mail(*LETTERS)
    with servers.proxy(target, "pop3", "implicit") as door:
        client = logged_in(door)
        client.capa()
        client.stat()
        client.uidl()
        client.list()
        client.top(1, 0)
        client.quit()


def imap_organise_and_expunge(servers: Servers, target: Path) -> None:
    servers.mail(*LETTERS)
    with servers.proxy(target, "imap", "starttls") as door, imap_client(door) as client:
        client.login(ALICE.user, ALICE.password)
        expect(client.list(), "OK")
        expect(client.select("INBOX"), "OK")
        expect(client.fetch("1:*", "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"), "OK")
        expect(client.fetch("1", "(BODY[])"), "OK")
        expect(client.create("Meetings"), "OK")
        expect(client.copy("2", "Meetings"), "OK")
        expect(client.store("2:3", "+FLAGS.SILENT", r"(\Deleted)"), "OK")
        expect(client.expunge(), "OK")
        client.close()


def imap_idle(servers: Servers, target: Path) -> None:
    servers.mail(LETTERS[0])
    with servers.proxy(target, "imap", "implicit") as door, imap_client(door) as client:
        client.login(ALICE.user, ALICE.password)
        expect(client.select("INBOX"), "OK")
        client.send(b"idle IDLE\r\n")
        assert client.readline().startswith(b"+")
        servers.dovecot.deliver(ALICE, LETTERS[1])
        while not client.readline().endswith(b"EXISTS\r\n"):
            pass
        client.send(b"DONE\r\n")
        while not client.readline().startswith(b"idle OK"):
            pass
        expect(client.fetch("2", "(UID BODY.PEEK[])"), "OK")


def imap_starttls_refused(servers: Servers, target: Path) -> None:
    with (
        servers.proxy(target, "imap", "none") as door,
        imap_client(door) as client,
        suppress(imaplib.IMAP4.error),
    ):
        # The method for it sends nothing, since STARTTLS is not offered.
        client._simple_command("STARTTLS")


def imap_messages_cut(servers: Servers, target: Path) -> None:
    servers.mail(LETTERS[0], LONG)
    with (
        servers.proxy(target, "imap", "implicit", more="message_octets = 1000\n") as door,
        imap_client(door) as client,
    ):
        client.login(ALICE.user, ALICE.password)
        expect(client.select("INBOX"), "OK")
        expect(client.fetch("1:2", "(UID BODY.PEEK[])"), "OK")
        expect(client.fetch("1:2", "(FLAGS)"), "OK")


def smtp_send_pipelined(servers: Servers, target: Path) -> None:
    with servers.proxy(target, "smtp", "starttls") as door, authenticated(door) as client:
        client.send(f"MAIL FROM:<alice@{DOMAIN}>\r\nRCPT TO:<bob@{DOMAIN}>\r\nDATA\r\n".encode())
        codes = [client.getreply()[0] for _ in range(3)]
        assert codes == [250, 250, 354], codes
        client.send(on_the_wire(LETTERS[1]).replace(b"\r\n.", b"\r\n..") + b".\r\n")
        assert client.getreply()[0] == 250


def smtp_rejected_recipient(servers: Servers, target: Path) -> None:
    with servers.proxy(target, "smtp", "implicit") as door, authenticated(door) as client:
        receivers = [f"{BOB.user}@{DOMAIN}", f"nobody@{DOMAIN}"]
        refused = client.sendmail(f"alice@{DOMAIN}", receivers, on_the_wire(LETTERS[2]))
        assert list(refused) == receivers[1:]


@contextmanager
def authenticated(door: Door) -> Iterator[smtplib.SMTP]:
    """Logged in with PLAIN; CRAM-MD5 would write the name of this machine down."""
    with smtp_client(door) as client:
        client.ehlo()
        client.user, client.password = ALICE.user, ALICE.password
        client.auth("PLAIN", client.auth_plain)
        yield client


Scene = Callable[[Servers, Path], None]
SCENES: dict[str, Scene] = {
    "pop3-program-deletes": pop3_program_deletes,
    "pop3-program-deletes-with-keep": pop3_program_deletes_with_keep,
    "pop3-deletion-blocked": pop3_deletion_blocked,
    "pop3-wrong-password": pop3_wrong_password,
    "pop3-before-migration": pop3_migration,
    "imap-organise-and-expunge": imap_organise_and_expunge,
    "imap-idle": imap_idle,
    "imap-starttls-refused": imap_starttls_refused,
    "imap-messages-cut": imap_messages_cut,
    "smtp-send-pipelined": smtp_send_pipelined,
    "smtp-rejected-recipient": smtp_rejected_recipient,
}
# On a server that was set up anew.
LATER: dict[str, Scene] = {"pop3-after-migration": pop3_migration}


def make(names: Sequence[str], folder: Path = FOLDER) -> None:
    """Writes these captures, or all; raises KeyError for a name that is none."""
    wanted = list(names) or [*SCENES, *LATER]
    for name in wanted:
        _ = (SCENES | LATER)[name]
    for scenes in (SCENES, LATER):
        chosen = [name for name in scenes if name in wanted]
        with ExitStack() as held:
            servers = held.enter_context(_servers()) if chosen else None
            for name in chosen:
                assert servers is not None
                scenes[name](servers, folder / f"{name}.pcapng")
                print(name)


@contextmanager
def _servers() -> Iterator[Servers]:
    with dovecot_running() as dovecot, postfix_running(dovecot) as postfix:
        yield Servers(dovecot, postfix.submission)


if __name__ == "__main__":
    make(sys.argv[1:])
