"""IMAP programs that delete messages in INBOX and expunge them.

Each keeps what it knows in its home, so that a second run is a later session of the same program.
Messages are named by the left part of their Message-ID.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

from imapclient import IMAPClient

from tests.clients.programs import HOST, run_program, settings_file
from tests.clients.standard_library import TIMEOUT_SECONDS, trust
from tests.clients.terminal import run_in_terminal
from tests.servers.endpoints import DOMAIN, Account, Door
from tests.servers.maildir import contents
from tests.servers.requirements import need_node_modules

Remover = Callable[[Path, Door, Account, Collection[str]], list[bytes]]
"""(home, door, account, names to delete) → one run; what the program has, or sees, in INBOX at its end."""


# ---- mbsync, offlineimap: a copy on disk, made equal with the server's


def mbsync(home: Path, door: Door, account: Account, names: Collection[str]) -> list[bytes]:
    """mbsync, which expunges with CLOSE."""
    return _mbsync(home, door, account, names, "")


def mbsync_with_trash(home: Path, door: Door, account: Account, names: Collection[str]) -> list[bytes]:
    """mbsync that marks, moves to Trash itself with UID MOVE, and then says UID EXPUNGE all the same."""
    return _mbsync(home, door, account, names, "Trash Trash\n")


def _mbsync(home: Path, door: Door, account: Account, names: Collection[str], more: str) -> list[bytes]:
    inbox = home / "mail/INBOX"
    inbox.parent.mkdir(exist_ok=True)
    text = (
        f"IMAPStore there\nHost {HOST}\nPort {door.port}\nUser {account.user}\nPass {account.password}\n"
        f"SSLType IMAPS\nSystemCertificates no\nCertificateFile {door.ca}\n{more}\n"
        f"MaildirStore here\nPath {home}/mail/\nInbox {inbox}\n\n"
        "Channel all\nFar :there:\nNear :here:\nPatterns INBOX\n"
        "Create Near\nSync All\nExpunge Both\nSyncState *\n"
    )
    for path in _files_of(inbox, names):
        base, _, flags = path.name.partition(":2,")
        path.rename(inbox / "cur" / f"{base}:2,{''.join(sorted({*flags, 'T'}))}")
    words: list[str | Path] = ["--quiet", "--config", settings_file(home, "mbsyncrc", text), "all"]
    run_program(home, "mbsync", "isync", *words, silent=True)
    # its own mark, by which it finds a message again after an interruption
    return [re.sub(rb"^X-TUID: .*\n", b"", message, flags=re.M) for message in contents(inbox)]


def offlineimap(home: Path, door: Door, account: Account, names: Collection[str]) -> list[bytes]:
    """offlineimap3."""
    inbox = home / "mail/INBOX"
    text = (
        f"[general]\naccounts = one\nmetadata = {home}/known\n"
        "[Account one]\nlocalrepository = here\nremoterepository = there\n"
        f"[Repository here]\ntype = Maildir\nlocalfolders = {home}/mail\n"
        f"[Repository there]\ntype = IMAP\nremotehost = {HOST}\nremoteport = {door.port}\n"
        f"remoteuser = {account.user}\nremotepass = {account.password}\nauth_mechanisms = PLAIN\n"
        f"ssl = yes\nsslcacertfile = {door.ca}\nfolderfilter = lambda folder: folder == 'INBOX'\n"
    )
    for path in _files_of(inbox, names):
        path.unlink()
    settings = settings_file(home, "offlineimaprc", text)
    run_program(home, "offlineimap", "offlineimap3", "-c", settings, "-o", "-u", "quiet", silent=True)
    return contents(inbox)


def _files_of(inbox: Path, names: Collection[str]) -> list[Path]:
    marks = [f"Message-ID: <{name}@{DOMAIN}>\n".encode() for name in names]
    files = [path for folder in ("cur", "new") for path in (inbox / folder).glob("*")]
    return [path for path in files if any(mark in path.read_bytes() for mark in marks)]


# ---- mutt: a person at a terminal


def mutt_expunging(home: Path, door: Door, account: Account, names: Collection[str]) -> list[bytes]:
    """mutt, told to write its changes while the mailbox stays open: EXPUNGE."""
    return _mutt(home, door, account, names, "<sync-mailbox>")


def mutt_quitting(home: Path, door: Door, account: Account, names: Collection[str]) -> list[bytes]:
    """mutt, which deletes when the mailbox is left: CLOSE."""
    return _mutt(home, door, account, names, "")


def _mutt(home: Path, door: Door, account: Account, names: Collection[str], then: str) -> list[bytes]:
    copy = home / "seen"
    shutil.rmtree(copy, ignore_errors=True)
    (home / "Mail").mkdir(exist_ok=True)  # else the first thing it does is to ask for it
    settings = settings_file(
        home,
        "muttrc",
        f'set ssl_ca_certificates_file="{door.ca}" ssl_force_tls=yes\n'
        f'set imap_user="{account.user}" imap_pass="{account.password}" imap_authenticators="login"\n'
        "set mbox_type=Maildir auto_tag=yes confirmappend=no confirmcreate=no delete=yes move=no quit=yes\n"
        'set sleep_time=0 wait_key=no mark_old=no trash="" header_cache=""\n',
    )
    marked = "".join(f"<delete-pattern>~i <{name}@{DOMAIN}><enter>" for name in names)
    copied = f"<tag-pattern>~A<enter><copy-message><kill-line>{copy}<enter>"
    url = f"imaps://{account.user}@{HOST}:{door.port}/INBOX"
    run_in_terminal(
        home, "mutt", "mutt", "-n", "-F", settings, "-f", url, "-e", f"push '{marked}{then}<quit>'"
    )
    run_in_terminal(
        home, "mutt", "mutt", "-n", "-R", "-F", settings, "-f", url, "-e", f"push '{copied}<exit>'"
    )
    return contents(copy)


# ---- libraries that mail programs are built with


def imapclient(home: Path, door: Door, account: Account, names: Collection[str]) -> list[bytes]:
    """Python's imapclient: STORE, then UID EXPUNGE of what was chosen."""
    with IMAPClient(HOST, door.port, ssl_context=trust(door), timeout=TIMEOUT_SECONDS) as client:
        client.login(account.user, account.password)
        client.select_folder("INBOX")
        for name in names:
            chosen = client.search(["HEADER", "Message-ID", f"<{name}@{DOMAIN}>"])
            client.delete_messages(chosen)
            client.uid_expunge(chosen)
        fetched = client.fetch(client.search(), ["BODY.PEEK[]"])
        return [items[b"BODY[]"] for _uid, items in sorted(fetched.items())]


IMAPFLOW = """
const fs = require('fs');
const { ImapFlow } = require('imapflow');
const { door, account, ids, folder } = JSON.parse(fs.readFileSync(0));
async function main() {
  const client = new ImapFlow({
    host: 'localhost', port: door.port, secure: true, logger: false,
    auth: { user: account.user, pass: account.password },
    tls: { ca: fs.readFileSync(door.ca) },
  });
  await client.connect();
  const lock = await client.getMailboxLock('INBOX');
  const doomed = [];
  for await (const message of client.fetch('1:*', { uid: true, envelope: true }))
    if (ids.includes(message.envelope.messageId)) doomed.push(message.uid);
  if (doomed.length && !await client.messageDelete(doomed.join(','), { uid: true }))
    throw new Error('messageDelete said no');
  for await (const message of client.fetch('1:*', { uid: true, source: true }))
    fs.writeFileSync(`${folder}/${message.uid}`, message.source);
  lock.release();
  await client.logout();
}
main().catch(error => { console.error(error); process.exit(1); });
"""


def imapflow(home: Path, door: Door, account: Account, names: Collection[str]) -> list[bytes]:
    """Node's imapflow: its messageDelete."""
    modules = need_node_modules("imapflow")
    seen = home / "seen"
    shutil.rmtree(seen, ignore_errors=True)
    seen.mkdir()
    script = home / "remove.cjs"
    script.write_text(IMAPFLOW)
    told = {
        "door": {"port": door.port, "ca": str(door.ca)},
        "account": {"user": account.user, "password": account.password},
        "ids": [f"<{name}@{DOMAIN}>" for name in names],
        "folder": str(seen),
    }
    (home / "node_modules").unlink(missing_ok=True)
    (home / "node_modules").symlink_to(modules)
    run_program(home, "node", "nodejs", script, silent=True, given=json.dumps(told).encode())
    return [path.read_bytes() for path in sorted(seen.iterdir(), key=lambda path: int(path.name))]
