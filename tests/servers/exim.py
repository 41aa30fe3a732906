"""Exim as a second SMTP server, run from unpacked Debian packages (it conflicts with Postfix's)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.authority import Authority, make_authority
from tests.servers.daemon import running, server_folder
from tests.servers.endpoints import ACCOUNTS, DOMAIN, Account, Ports
from tests.servers.maildir import fill
from tests.servers.ports import LOOPBACK, free_ports
from tests.servers.requirements import (
    CACHE,
    copy_unpacked,
    need_libraries,
    need_program,
    need_root,
    need_user,
    unpacked_libraries,
)

CONFIG = """\
primary_hostname = mail.{domain}
spool_directory = {folder}/spool
log_file_path = {folder}/exim-%slog
pid_file_path = {folder}/exim.pid
daemon_smtp_ports = {submission.open} : {submission.secure}
tls_on_connect_ports = {submission.secure}
local_interfaces = {loopback}
tls_advertise_hosts = *
tls_certificate = {chain}
tls_privatekey = {key}
chunking_advertise_hosts = *
pipelining_advertise_hosts = *
acl_smtp_rcpt = check_recipient
acl_smtp_data = accept_all
domainlist ours = {domain}
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 100
deliver_drop_privilege
keep_environment =
add_environment = PATH=/usr/bin:/bin
never_users =
begin acl
check_recipient:
  deny message = log in first
       !authenticated = *
  accept domains = +ours
         local_parts = {users}
  deny message = no such user
accept_all:
  accept
begin routers
mailboxes:
  driver = accept
  domains = +ours
  local_parts = {users}
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = {folder}/mail/$local_part_data
  maildir_format
  create_directory
  envelope_to_add = false
  return_path_add = false
  delivery_date_add = false
begin retry
* * F,1h,1m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{lookup{{$auth2}}lsearch{{{folder}/users}}{{${{if eq{{$value}}{{$auth3}}}}}}fail}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{lookup{{$auth1}}lsearch{{{folder}/users}}{{${{if eq{{$value}}{{$auth2}}}}}}fail}}
  server_set_id = $auth1
"""


@dataclass(frozen=True)
class Exim:
    """A running Exim which delivers into Maildirs of its own."""

    folder: Path
    authority: Authority
    submission: Ports

    def maildir(self, account: Account) -> Path:
        """Where the account's mail arrives."""
        return self.folder / "mail" / account.user


@contextmanager
def exim_running() -> Iterator[Exim]:
    """Exim with a submission port (AUTH with or without STARTTLS) and one with implicit TLS."""
    need_root("Exim")
    installed = _program()
    daemon = need_user("Debian-exim", "exim4-base")
    with server_folder("exim") as folder:
        program, libraries = _own_copy(installed, folder)
        need_libraries(program, libraries, "exim4-daemon-light")
        ports = free_ports(2)
        server = Exim(folder, make_authority(folder), Ports(*ports))
        for account in ACCOUNTS:
            fill(server.maildir(account), (), daemon.pw_uid, daemon.pw_gid)
        _write_config(server)
        for path in (folder, folder / "spool", server.authority.key, folder / "users"):
            os.chown(path, daemon.pw_uid, daemon.pw_gid)
        with running([program, "-C", folder / "exim.conf", "-bdf"], ports, folder / "output.log", libraries):
            yield server


def _program() -> Path:
    places = [Path("/usr/sbin/exim4"), CACHE / "exim/usr/sbin/exim4"]
    if "MAILPROXY_EXIM" in os.environ:
        places.insert(0, Path(os.environ["MAILPROXY_EXIM"]))
    return need_program("exim4", "exim4-daemon-light (unpacked, as .ci/run does)", *places)


def _own_copy(program: Path, folder: Path) -> tuple[Path, dict[str, str]]:
    """The program and its libraries' environment, where Exim's own user can run it too."""
    root = program.parents[2]
    if not program.is_relative_to(root / "usr/sbin") or root == Path("/"):
        return program, {}
    copy = copy_unpacked(root, folder)
    own = copy / program.relative_to(root)
    own.chmod(0o755)  # setuid programs do not see LD_LIBRARY_PATH, and ours delivers as its own user anyway
    return own, unpacked_libraries(copy)


def _write_config(server: Exim) -> None:
    folder = server.folder
    (folder / "spool").mkdir()
    users = folder / "users"
    users.touch(mode=0o600)
    users.write_text("".join(f"{account.user}: {account.password}\n" for account in ACCOUNTS))
    config = CONFIG.format(
        folder=folder,
        domain=DOMAIN,
        loopback=LOOPBACK,
        submission=server.submission,
        chain=server.authority.chain,
        key=server.authority.key,
        users=" : ".join(account.user for account in ACCOUNTS),
    )
    (folder / "exim.conf").write_text(config)
