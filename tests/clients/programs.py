"""Real mail programs, each with a home of its own, told to trust exactly one CA file."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Container
from pathlib import Path

from tests.servers.endpoints import DOMAIN, Account, Door
from tests.servers.maildir import contents
from tests.servers.messages import on_the_wire
from tests.servers.requirements import need_program

HOST = "localhost"
SECONDS = 90

Reader = Callable[[Path, Door, Account, int], list[bytes]]
"""(home, door, account, how many messages) → the messages that the program fetched, in mailbox order."""

Sender = Callable[[Path, Door, Account, Account, bytes], None]
"""(home, door, account, recipient, message with LF line ends)."""


def run_program(
    home: Path,
    name: str,
    package: str,
    *words: str | Path,
    given: bytes = b"",
    codes: Container[int] = (0,),
    silent: bool = False,
) -> bytes:
    """Run a program to its end and give its standard output back.

    Raises AssertionError with all it printed when its exit code is not one of ``codes``, or when
    it printed anything although ``silent`` says that it has nothing to complain of.
    """
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TMPDIR": str(home)}
    done = subprocess.run(
        [str(word) for word in (need_program(name, package), *words)],
        input=given,
        capture_output=True,
        env=environment,
        cwd=home,
        timeout=SECONDS,
        check=False,
    )
    said = (done.stdout[-2000:] + done.stderr[-2000:]).decode(errors="replace")
    assert done.returncode in codes, f"{name} ended with {done.returncode}: {said}"
    assert not (silent and said), f"{name} complains: {said}"
    return done.stdout


def settings_file(home: Path, name: str, text: str) -> Path:
    """A file with a password in it: the programs insist that nobody else may read it."""
    path = home / name
    path.touch(mode=0o600)
    path.write_text(text)
    return path


# ---- curl


def curl_imap(home: Path, door: Door, account: Account, count: int) -> list[bytes]:
    """curl, IMAP: FETCH BODY[] by number."""
    return _curl_fetch("imap", "INBOX;MAILINDEX=", home, door, account, count)


def curl_pop3(home: Path, door: Door, account: Account, count: int) -> list[bytes]:
    """curl, POP3: RETR by number."""
    return _curl_fetch("pop3", "", home, door, account, count)


def curl_smtp(home: Path, door: Door, account: Account, recipient: Account, message: bytes) -> None:
    """curl, SMTP: AUTH and DATA from a file."""
    letter = home / "letter.eml"
    letter.write_bytes(on_the_wire(message))
    words = ["--mail-from", f"{account.user}@{DOMAIN}", "--mail-rcpt", f"{recipient.user}@{DOMAIN}"]
    words += ["--upload-file", str(letter), _curl_url("smtp", door, f"client.{DOMAIN}")]
    run_program(home, "curl", "curl", *_curl_common(home, door, account), *words)


def _curl_fetch(
    protocol: str, path: str, home: Path, door: Door, account: Account, count: int
) -> list[bytes]:
    url = _curl_url(protocol, door, f"{path}[1-{count}]")
    run_program(home, "curl", "curl", *_curl_common(home, door, account), "-o", home / "message-#1", url)
    return [(home / f"message-{number + 1}").read_bytes() for number in range(count)]


def _curl_common(home: Path, door: Door, account: Account) -> list[str]:
    secret = settings_file(home, "curlrc", f'user = "{account.user}:{account.password}"\n')
    encrypt = ["--ssl-reqd"] if door.tls == "starttls" else []
    return ["-q", "-sS", "--noproxy", "*", "--config", str(secret), "--cacert", str(door.ca), *encrypt]


def _curl_url(protocol: str, door: Door, path: str) -> str:
    scheme = protocol + ("s" if door.tls == "implicit" else "")
    return f"{scheme}://{HOST}:{door.port}/{path}"


# ---- fetchmail, mpop: POP3


def fetchmail(home: Path, door: Door, account: Account, count: int) -> list[bytes]:
    """fetchmail, POP3, everything, kept on the server; it adds a Received field to each message."""
    inbox = home / "fetched"
    inbox.mkdir()
    encrypt = "ssl" if door.tls == "implicit" else 'sslproto "TLS1.2+"'
    # fetchmail hands over one message at a time, so counting the files gives the next name
    deliver = f"sh -c 'cat > {inbox}/$(ls {inbox} | wc -l)'"
    text = (
        f"poll {HOST} protocol POP3 port {door.port} timeout 60\n"
        f'  user "{account.user}" password "{account.password}" is root here\n'
        f'  {encrypt} sslcertck sslcertfile "{door.ca}"\n'
        f'  keep fetchall no rewrite mda "{deliver}"\n'
    )
    words: list[str | Path] = [
        "--fetchmailrc",
        settings_file(home, "fetchmailrc", text),
        "--nosyslog",
        "--nodetach",
    ]
    run_program(home, "fetchmail", "fetchmail", *words, "--pidfile", home / "pid", "--idfile", home / "ids")
    files = sorted(inbox.iterdir(), key=lambda path: int(path.name))
    return [path.read_bytes() for path in files]


def mpop(home: Path, door: Door, account: Account, count: int) -> list[bytes]:
    """mpop, POP3, everything, kept on the server."""
    inbox = home / "fetched"
    for folder in ("cur", "new", "tmp"):
        (inbox / folder).mkdir(parents=True)
    text = (
        f"account default\nhost {HOST}\nport {door.port}\nuser {account.user}\npassword {account.password}\n"
        f"auth user\nkeep on\nreceived_header off\ndelivery maildir {inbox}\nuidls_file {home}/uidls\n"
        f"tls on\ntls_starttls {'on' if door.tls == 'starttls' else 'off'}\ntls_trust_file {door.ca}\n"
    )
    run_program(home, "mpop", "mpop", "-C", settings_file(home, "mpoprc", text))
    return contents(inbox)


# ---- mbsync: IMAP


def mbsync(home: Path, door: Door, account: Account, count: int) -> list[bytes]:
    """mbsync, IMAP into a Maildir."""
    text = (
        f"IMAPStore there\nHost {HOST}\nPort {door.port}\nUser {account.user}\nPass {account.password}\n"
        f"SSLType {'STARTTLS' if door.tls == 'starttls' else 'IMAPS'}\n"
        f"SystemCertificates no\nCertificateFile {door.ca}\n\n"
        f"MaildirStore here\nPath {home}/mail/\nInbox {home}/mail/INBOX\n\n"
        "Channel all\nFar :there:\nNear :here:\nPatterns INBOX\nCreate Near\nSync Pull\nSyncState *\n"
    )
    (home / "mail").mkdir()
    run_program(home, "mbsync", "isync", "--quiet", "--config", settings_file(home, "mbsyncrc", text), "all")
    # its own mark, by which it finds a message again after an interruption
    return [re.sub(rb"^X-TUID: .*\n", b"", message, flags=re.M) for message in contents(home / "mail/INBOX")]


# ---- msmtp, swaks: SMTP


def msmtp(home: Path, door: Door, account: Account, recipient: Account, message: bytes) -> None:
    """msmtp, as a sendmail that reads the message from standard input."""
    text = (
        f"account default\nhost {HOST}\nport {door.port}\nuser {account.user}\npassword {account.password}\n"
        f"auth on\nfrom {account.user}@{DOMAIN}\ndomain client.{DOMAIN}\n"
        f"tls on\ntls_starttls {'on' if door.tls == 'starttls' else 'off'}\ntls_trust_file {door.ca}\n"
    )
    rc = settings_file(home, "msmtprc", text)
    run_program(home, "msmtp", "msmtp", "-C", rc, f"{recipient.user}@{DOMAIN}", given=message)


def swaks(home: Path, door: Door, account: Account, recipient: Account, message: bytes) -> None:
    """swaks, which verifies the certificate when told so."""
    letter = home / "letter.eml"
    letter.write_bytes(message.removesuffix(b"\n"))  # swaks ends the last line itself
    words = ["--server", HOST, "--port", str(door.port), "--ehlo", f"client.{DOMAIN}"]
    words += ["--from", f"{account.user}@{DOMAIN}", "--to", f"{recipient.user}@{DOMAIN}"]
    words += ["--auth", "PLAIN", "--auth-user", account.user, "--auth-password", account.password]
    words += ["--tls" if door.tls == "starttls" else "--tls-on-connect", "--tls-verify"]
    words += ["--tls-ca-path", str(door.ca), "--data", f"@{letter}"]
    run_program(home, "swaks", "swaks", *words)
