"""Cyrus as a second IMAP and POP3 server, run from unpacked Debian packages (it conflicts with Dovecot's)."""

from __future__ import annotations

import imaplib
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.authority import Authority, make_authority
from tests.servers.daemon import running, server_folder
from tests.servers.endpoints import ACCOUNTS, ALICE, Account, Ports
from tests.servers.messages import on_the_wire, sample_messages
from tests.servers.ports import LOOPBACK, free_ports
from tests.servers.requirements import (
    CACHE,
    copy_unpacked,
    missing,
    need_libraries,
    need_root,
    need_user,
    unpacked_libraries,
)
from tests.servers.saslauthd import saslauthd_running

PACKAGES = "cyrus-imapd and cyrus-pop3d"

IMAPD_CONF = """\
configdirectory: {folder}/config
partition-default: {folder}/spool
defaultpartition: default
cyrus_user: {owner}
servername: localhost
allowplaintext: yes
failedloginpause: 0
unixhierarchysep: yes
autocreate_quota: 0
autocreate_post: yes
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {folder}/mux
sasl_mech_list: PLAIN
tls_server_cert: {chain}
tls_server_key: {key}
tls_session_timeout: 0
idlesocket: {folder}/config/idle
lmtpsocket: {folder}/config/lmtp
notifysocket: {folder}/config/notify
"""

CYRUS_CONF = """\
START {{
  recover cmd="{programs}/ctl_cyrusdb -C {folder}/imapd.conf -r"
}}
SERVICES {{
  imap  cmd="{programs}/imapd -C {folder}/imapd.conf" listen="{loopback}:{imap.open}" proto="tcp4"
  imaps cmd="{programs}/imapd -C {folder}/imapd.conf -s" listen="{loopback}:{imap.secure}" proto="tcp4"
  pop3  cmd="{programs}/pop3d -C {folder}/imapd.conf" listen="{loopback}:{pop3.open}" proto="tcp4"
  pop3s cmd="{programs}/pop3d -C {folder}/imapd.conf -s" listen="{loopback}:{pop3.secure}" proto="tcp4"
}}
EVENTS {{
}}
"""


@dataclass(frozen=True)
class Cyrus:
    """A running Cyrus; ALICE has the sample messages, in their order."""

    folder: Path
    authority: Authority
    imap: Ports
    pop3: Ports


@contextmanager
def cyrus_running() -> Iterator[Cyrus]:
    """Cyrus with a mailbox for ALICE, made and loaded through IMAP."""
    need_root("Cyrus")
    unpacked = _unpacked()
    owner = need_user("mail", "base-passwd")
    with server_folder("cyrus") as folder, saslauthd_running(folder / "mux", ACCOUNTS):
        root = copy_unpacked(unpacked, folder)
        programs = root / "usr/lib/cyrus/bin"
        libraries = unpacked_libraries(root)
        for name in ("master", "imapd", "pop3d", "ctl_cyrusdb"):
            need_libraries(programs / name, libraries, PACKAGES)
        ports = free_ports(4)
        server = Cyrus(folder, make_authority(folder), Ports(*ports[0:2]), Ports(*ports[2:4]))
        _write_config(server, programs, owner.pw_name)
        state = [
            path for name in ("config", "spool") for path in (folder / name, *(folder / name).rglob("*"))
        ]
        for path in (folder, server.authority.key, *state):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        command: list[str | Path] = [
            programs / "master",
            "-C",
            folder / "imapd.conf",
            "-M",
            folder / "cyrus.conf",
        ]
        command += ["-p", folder / "master.pid"]
        with running(command, ports, folder / "cyrus.log", libraries):
            _load(server, ALICE)
            yield server


def _unpacked() -> Path:
    root = Path(os.environ.get("MAILPROXY_CYRUS", CACHE / "cyrus"))
    if not (root / "usr/lib/cyrus/bin/master").is_file():
        missing(
            f"Cyrus is not unpacked in {root}; unpack the Debian packages {PACKAGES} there, as .ci/run does"
        )
    return root


def _write_config(server: Cyrus, programs: Path, owner: str) -> None:
    folder = server.folder
    for name in ("config", "config/proc", "config/socket", "config/db", "config/log", "config/lock", "spool"):
        (folder / name).mkdir()
    (folder / "cyrus.log").touch()
    imapd = IMAPD_CONF.format(
        folder=folder, owner=owner, chain=server.authority.chain, key=server.authority.key
    )
    (folder / "imapd.conf").write_text(imapd)
    (folder / "cyrus.conf").write_text(
        CYRUS_CONF.format(
            programs=programs, folder=folder, loopback=LOOPBACK, imap=server.imap, pop3=server.pop3
        )
    )


def _load(server: Cyrus, account: Account) -> None:
    context = ssl.create_default_context(cafile=str(server.authority.ca))
    with imaplib.IMAP4_SSL(LOOPBACK, server.imap.secure, ssl_context=context, timeout=30) as client:
        client.login(account.user, account.password)
        for message in sample_messages().values():
            status, answer = client.append("INBOX", "", "", on_the_wire(message))
            if status != "OK":
                raise AssertionError(f"Cyrus did not take a sample message: {answer!r}")
