"""Debian's Postfix as a private submission server which delivers to our Dovecot by LMTP."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.daemon import last_lines, running, server_folder
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import ACCOUNTS, DOMAIN, Ports
from tests.servers.ports import LOOPBACK, free_ports
from tests.servers.requirements import need_program, need_root, need_user

DAEMONS = Path("/usr/lib/postfix/sbin")

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.{domain}
mydestination =
mynetworks =
inet_interfaces = {loopback}
inet_protocols = ipv4
alias_maps =
alias_database =
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = inline:{{ {mailboxes} }}
virtual_transport = lmtp:inet:{loopback}:{lmtp}
default_transport = error:these tests send no mail out
lmtp_host_lookup = native
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:{loopback}:{sasl}
smtpd_sasl_security_options = noanonymous
smtpd_tls_auth_only = no
smtpd_tls_cert_file = {chain}
smtpd_tls_key_file = {key}
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_client_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_delay_reject = yes
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_error_sleep_time = 0
message_size_limit = 20000000
smtputf8_enable = yes
"""

# name, type, private, unprivileged, chroot, wakeup, limit, program
MASTER = """\
{loopback}:{submission.open} inet n - n - - smtpd
  -o smtpd_tls_security_level=may
{loopback}:{submission.secure} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """A running Postfix; its certificate and its users are those of ``dovecot``."""

    folder: Path
    dovecot: Dovecot
    submission: Ports


@contextmanager
def postfix_running(dovecot: Dovecot) -> Iterator[Postfix]:
    """Postfix with a submission port (AUTH with or without STARTTLS) and one with implicit TLS."""
    need_root("Postfix")
    program = need_program("postfix", "postfix")
    master = need_program("master", "postfix", DAEMONS / "master")
    owner = need_user("postfix", "postfix")
    with server_folder("postfix") as folder:
        ports = free_ports(2)
        server = Postfix(folder, dovecot, Ports(*ports))
        (folder / "queue").mkdir()
        (folder / "data").mkdir()
        os.chown(folder / "data", owner.pw_uid, owner.pw_gid)
        _write_config(server)
        log = folder / "postfix.log"
        log.touch()
        # `check` makes the queue's folders; `postfix start-fg` would hide the master's process id from us.
        _run([program, "-c", folder / "etc", "check"], log)
        with running([master, "-s", "-c", folder / "etc"], ports, log):
            yield server


def _run(command: list[str | Path], log: Path) -> None:
    with log.open("ab") as output:
        done = subprocess.run(command, stdout=output, stderr=output, timeout=60, check=False)
    assert done.returncode == 0, last_lines(log)


def _write_config(server: Postfix) -> None:
    folder, dovecot = server.folder, server.dovecot
    config = folder / "etc"
    config.mkdir()
    values = {
        "folder": folder,
        "daemons": DAEMONS,
        "domain": DOMAIN,
        "loopback": LOOPBACK,
        "mailboxes": " ".join(f"{account.user}@{DOMAIN}={account.user}" for account in ACCOUNTS),
        "lmtp": dovecot.lmtp,
        "sasl": dovecot.sasl,
        "chain": dovecot.authority.chain,
        "key": dovecot.authority.key,
        "submission": server.submission,
    }
    (config / "main.cf").write_text(MAIN.format(**values))
    (config / "master.cf").write_text(MASTER.format(**values))
    # `postfix check` reads these beside main.cf.
    for name in ("postfix-files", "dynamicmaps.cf", "post-install", "postfix-script"):
        for place in (Path("/etc/postfix"), Path("/usr/share/postfix")):
            if (place / name).is_file():
                shutil.copy(place / name, config / name)
                break
