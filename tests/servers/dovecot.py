"""Debian's Dovecot as a private server: IMAP, POP3, and LMTP and SASL for Postfix."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.authority import Authority, make_authority
from tests.servers.daemon import running, server_folder
from tests.servers.endpoints import ACCOUNTS, ALICE, CAROL, DOMAIN, Account, Ports
from tests.servers.maildir import deliver, fill
from tests.servers.messages import sample_messages
from tests.servers.ports import LOOPBACK, free_ports
from tests.servers.requirements import need_program, need_root, need_user

CONFIG = """\
protocols = imap pop3 lmtp
listen = {loopback}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
instance_name = mailproxy-tests
ssl = yes
ssl_cert = <{chain}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%n
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 200
mail_fsync = never
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {folder}/users
}}
passdb {{
  # newcomers: any other name
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%n
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Trash {{
    auto = create
    special_use = \\Trash
  }}
}}
protocol lmtp {{
  auth_username_format = %n
  postmaster_address = postmaster@{domain}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap.open}
  }}
  inet_listener imaps {{
    port = {imap.secure}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3.open}
  }}
  inet_listener pop3s {{
    port = {pop3.secure}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener sasl {{
    port = {sasl}
  }}
}}
service anvil {{
  # no growing delay after wrong passwords
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """A running Dovecot."""

    folder: Path
    authority: Authority
    imap: Ports
    pop3: Ports
    lmtp: int
    sasl: int
    uid: int
    gid: int

    def maildir(self, account: Account) -> Path:
        """Where the account's INBOX lies."""
        return self.folder / "mail" / account.user

    def refill(self, account: Account) -> list[bytes]:
        """Load the sample messages anew, and give them back in mailbox order."""
        messages = list(sample_messages().values())
        fill(self.maildir(account), messages, self.uid, self.gid)
        return messages

    def newcomer(self, messages: Iterable[bytes] = ()) -> Account:
        """A user whom nobody has seen before, with these messages in INBOX.

        A refilled mailbox may have its old UIDVALIDITY again; a new user's mail has UIDLs of its own.
        """
        account = Account(f"user-{secrets.token_hex(6)}", CAROL.password)
        fill(self.maildir(account), messages, self.uid, self.gid)
        return account

    def deliver(self, account: Account, message: bytes) -> None:
        """One more message for the account's INBOX."""
        deliver(self.maildir(account), message, self.uid, self.gid)


@contextmanager
def dovecot_running() -> Iterator[Dovecot]:
    """Dovecot with ALICE's and CAROL's mailboxes full and BOB's empty."""
    need_root("Dovecot")
    program = need_program("dovecot", "dovecot-core")
    for service, package in (("imap", "dovecot-imapd"), ("pop3", "dovecot-pop3d"), ("lmtp", "dovecot-lmtpd")):
        need_program(service, package, Path("/usr/lib/dovecot") / service)
    owner = need_user("mail", "base-passwd")
    with server_folder("dovecot") as folder:
        ports = free_ports(6)
        server = Dovecot(
            folder,
            make_authority(folder),
            Ports(*ports[0:2]),
            Ports(*ports[2:4]),
            ports[4],
            ports[5],
            owner.pw_uid,
            owner.pw_gid,
        )
        _prepare(server)
        command: list[str | Path] = [program, "-F", "-c", folder / "dovecot.conf"]
        with running(command, ports, folder / "dovecot.log"):
            yield server


def _prepare(server: Dovecot) -> None:
    folder = server.folder
    for account in ACCOUNTS:
        fill(server.maildir(account), (), server.uid, server.gid)
    for account in (ALICE, CAROL):
        server.refill(account)
    users = "".join(f"{account.user}:{{PLAIN}}{account.password}\n" for account in ACCOUNTS)
    (folder / "users").write_text(users)
    (folder / "dovecot.conf").write_text(
        CONFIG.format(
            loopback=LOOPBACK,
            folder=folder,
            chain=server.authority.chain,
            key=server.authority.key,
            uid=server.uid,
            gid=server.gid,
            domain=DOMAIN,
            password=CAROL.password,
            imap=server.imap,
            pop3=server.pop3,
            lmtp=server.lmtp,
            sasl=server.sasl,
        )
    )
