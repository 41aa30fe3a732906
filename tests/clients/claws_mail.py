"""claws-mail, a program with windows: POP3, deleting what it has fetched."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.clients.display import Display, display_for
from tests.clients.programs import settings_file
from tests.servers.endpoints import DOMAIN, Account, Door
from tests.servers.requirements import need_program
from tests.waiting import until

ACCOUNT = """\
[Account: 1]
account_name=one
is_default=1
name=Reader
address={user}@{domain}
protocol=0
receive_server=localhost
user_id={user}
inbox=#mh/Mailbox/inbox
local_inbox=#mh/Mailbox/inbox
remove_mail=1
message_leave_time=0
message_leave_hour=0
receive_at_get_all=1
filter_on_receive=0
ssl_pop=1
set_popport=1
pop_port={port}
ssl_certs_auto_accept=1
"""

COMMON = """\
[Common]
config_version=4
check_on_startup=0
autochk_newmail=0
receive_dialog_mode=2
no_receive_error_panel=1
"""

FOLDERS = ("inbox", "sent", "draft", "queue", "trash")


def claws_mail(home: Path, door: Door, account: Account) -> list[bytes]:
    """One run: it asks for the password in a window."""
    program = need_program("claws-mail", "claws-mail")
    settings = home / "settings"
    if not settings.exists():
        _prepare(home, settings, door, account)
    log = settings / "claws.log"
    log.unlink(missing_ok=True)
    words: list[str | Path] = ["--alternate-config-dir", settings]
    with (
        display_for(home) as display,
        display.running(program, *words, "--receive-all", SSL_CERT_FILE=str(door.ca)) as process,
    ):
        _type_password(display, account, process)
        until(lambda: _has_quit(log), f"QUIT in {log}")
        subprocess.run([program, *words, "--exit"], env=display.environment, check=True, timeout=30)
        process.wait(30)
    inbox = home / "Mail/inbox"
    files = [path for path in inbox.iterdir() if path.name.isdigit()]
    return [path.read_bytes() for path in sorted(files, key=lambda path: int(path.name))]


def _prepare(home: Path, settings: Path, door: Door, account: Account) -> None:
    settings.mkdir()
    for folder in FOLDERS:
        (home / "Mail" / folder).mkdir(parents=True)
    text = ACCOUNT.format(user=account.user, domain=DOMAIN, port=door.port)
    settings_file(settings, "accountrc", text)
    settings_file(settings, "clawsrc", COMMON)
    kinds = zip(("inbox", "outbox", "draft", "queue", "trash"), FOLDERS, strict=True)
    items = "".join(f'<folderitem type="{kind}" name="{name}" path="{name}"/>' for kind, name in kinds)
    (settings / "folderlist.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<folderlist>'
        f'<folder type="mh" name="Mailbox" path="Mail">{items}</folder></folderlist>\n'
    )


def _type_password(display: Display, account: Account, process: subprocess.Popen[bytes]) -> None:
    def look() -> list[str]:
        assert process.poll() is None, f"claws-mail ended with {process.returncode}"
        return display.windows("[Pp]assword")

    display.type_into(until(look, "window that asks for the password")[0], account.password)


def _has_quit(log: Path) -> bool:
    said = log.read_text(errors="replace") if log.exists() else ""
    return "POP<" in said.rpartition("POP> QUIT")[2] and "POP> QUIT" in said
