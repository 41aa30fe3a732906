"""POP3 programs that take their mail away: fetch what is there, then delete it on the server.

Each keeps what it knows and what it has fetched in its home, so that a second run is a later
session of the same program.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from tests.clients.programs import HOST, run_program, settings_file
from tests.clients.standard_library import pop3_client
from tests.servers.endpoints import Account, Door
from tests.servers.maildir import contents

Collector = Callable[[Path, Door, Account], list[bytes]]
"""(home, door, account) → one run; all that lies in the program's own mailbox then, in no certain order."""

NO_MAIL = 1  # fetchmail's exit code


def fetchmail(home: Path, door: Door, account: Account) -> list[bytes]:
    """fetchmail as it is by default: what was fetched is deleted."""
    return _fetchmail(home, door, account, "no keep fetchall")


def fetchmail_keeping(home: Path, door: Door, account: Account) -> list[bytes]:
    """fetchmail told to leave all mail on the server, which goes by UIDLs then and deletes nothing."""
    return _fetchmail(home, door, account, "keep", "uidl")


def _fetchmail(home: Path, door: Door, account: Account, manner: str, identify: str = "") -> list[bytes]:
    text = (
        f"poll {HOST} protocol POP3 port {door.port} timeout 60 {identify}\n"
        f'  user "{account.user}" password "{account.password}" is root here\n'
        f'  ssl sslcertck sslcertfile "{door.ca}"\n'
        f'  {manner} no rewrite mda "sh -c {shlex.quote(_deliver_to(_inbox(home)))}"\n'
    )
    settings = settings_file(home, "fetchmailrc", text)
    words: list[str | Path] = [
        "--fetchmailrc",
        settings,
        "--nosyslog",
        "--nodetach",
        "--pidfile",
        home / "pid",
    ]
    run_program(home, "fetchmail", "fetchmail", *words, "--idfile", home / "ids", codes=(0, NO_MAIL))
    return _numbered(_inbox(home))


def getmail(home: Path, door: Door, account: Account) -> list[bytes]:
    """getmail6, told to delete; by default it retrieves all that is listed, seen before or not.

    It hands each message to a command, since it delivers to no Maildir of root's.
    """
    command = _deliver_to(_inbox(home))
    text = (
        f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = {HOST}\nport = {door.port}\n"
        f"username = {account.user}\npassword = {account.password}\nca_certs = {door.ca}\n"
        "[destination]\ntype = MDA_external\npath = /bin/sh\nunixfrom = false\nallow_root_commands = true\n"
        f'arguments = ("-c", {command!r})\n'
        "[options]\ndelete = true\ndelivered_to = false\nreceived = false\n"
    )
    settings = settings_file(home, "getmailrc", text)
    run_program(home, "getmail", "getmail6", "--getmaildir", home, "--rcfile", settings)
    return _numbered(_inbox(home))


def mpop(home: Path, door: Door, account: Account) -> list[bytes]:
    """mpop with its default, ``keep off``."""
    inbox = home / "fetched"
    for folder in ("cur", "new", "tmp"):
        (inbox / folder).mkdir(parents=True, exist_ok=True)
    text = (
        f"account default\nhost {HOST}\nport {door.port}\nuser {account.user}\npassword {account.password}\n"
        f"auth user\nkeep off\nreceived_header off\ndelivery maildir {inbox}\nuidls_file {home}/uidls\n"
        f"tls on\ntls_starttls off\ntls_trust_file {door.ca}\n"
    )
    run_program(home, "mpop", "mpop", "-C", settings_file(home, "mpoprc", text))
    return contents(inbox)


def curl(home: Path, door: Door, account: Account) -> list[bytes]:
    """curl in three sessions: list, fetch, delete."""
    inbox = _inbox(home)
    secret = settings_file(home, "curlrc", f'user = "{account.user}:{account.password}"\n')
    common: list[str | Path] = ["-q", "-sS", "--noproxy", "*", "--config", secret, "--cacert", door.ca or ""]
    url = f"pop3s://{HOST}:{door.port}/"
    listing = run_program(home, "curl", "curl", *common, url)
    count = len(listing.strip().splitlines())  # for an empty one it prints an empty line
    if count:
        run_program(home, "curl", "curl", *common, "-o", home / "new-#1", f"{url}[1-{count}]")
        for number in range(1, count + 1):
            (home / f"new-{number}").rename(inbox / str(len(list(inbox.iterdir()))))
        run_program(home, "curl", "curl", *common, "--head", "--request", "DELE", f"{url}[1-{count}]")
    return _numbered(inbox)


def poplib(home: Path, door: Door, account: Account) -> list[bytes]:
    """Python's poplib, as the shortest of scripts has it: RETR and DELE, one message after the other."""
    inbox = _inbox(home)
    client = pop3_client(door)
    client.user(account.user)
    client.pass_(account.password)
    for number in range(1, client.stat()[0] + 1):
        lines = client.retr(number)[1]
        (inbox / str(len(list(inbox.iterdir())))).write_bytes(b"".join(line + b"\n" for line in lines))
        client.dele(number)
    assert client.quit().startswith(b"+OK")
    return _numbered(inbox)


def _inbox(home: Path) -> Path:
    inbox = home / "fetched"
    inbox.mkdir(exist_ok=True)
    return inbox


def _deliver_to(inbox: Path) -> str:
    # one message at a time is handed over, so counting the files gives the next name
    return f"cat > {inbox}/$(ls {inbox} | wc -l)"


def _numbered(inbox: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(inbox.iterdir(), key=lambda path: int(path.name))]
