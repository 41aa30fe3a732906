"""One proxy from its configuration to its end, with the embedded servers behind it."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
import trio
import trustme

from mailproxy import app
from mailproxy.app import Proxy, StartError, serve
from mailproxy.config import load
from mailproxy.demo.mailbox import Account
from mailproxy.demo.programs import Endpoint, Refused, download_and_delete, read_all, submit
from mailproxy.demo.story import ServerEars
from mailproxy.demo.world import HOST, PASSWORD, SENT, STORED, USER, Ports, servers
from mailproxy.record.log import Log
from mailproxy.rules import RuleError
from mailproxy.tls.errors import TlsError

NO_DELE = '[[rule]]\nname = "no-dele"\non = ["pop3 DELE"]\ndo = "block"\n'
NOWHERE = Ports(9, 9, 9)


class Running:
    """A proxy with its files. ``log`` are the lines that it wrote."""

    def __init__(self, folder: Path, behind: Ports, tls: str = "implicit", more: str = "") -> None:
        self.folder = folder
        self.file = folder / "mailproxy.toml"
        self.rules = folder / "rules.toml"
        self.rules.write_text(self.rules.read_text() if self.rules.exists() else "")
        listeners = "".join(
            f'[[listener]]\nname = "{protocol}"\nprotocol = "{protocol}"\naddress = "{HOST}:0"\n'
            f'tls = "{tls}"\nupstream = "demo"\n'
            for protocol in ("pop3", "imap", "smtp")
        )
        self.file.write_text(
            f'state = "state"\n{more}\n[log]\nfile = "mailproxy.log"\n'
            f'[upstream.demo]\nhost = "{HOST}"\n'
            f'pop3 = {{ port = {behind.pop3}, tls = "none" }}\n'
            f'imap = {{ port = {behind.imap}, tls = "none" }}\n'
            f'smtp = {{ port = {behind.smtp}, tls = "none" }}\n{listeners}'
        )
        self.config = load(self.file)
        self.logger = Log(self.config.log.file, self.config.log.level)
        self.proxy = Proxy(self.config, self.logger)

    def where(self, protocol: str) -> Endpoint:
        encrypted = self.config.listener[0].tls == "implicit"
        host, port = self.proxy.addresses[protocol]
        return Endpoint(host, port, self.folder / "state/tls/ca.pem" if encrypted else None)

    @property
    def log(self) -> list[dict[str, object]]:
        self.logger.flush()
        return [json.loads(line) for line in (self.folder / "mailproxy.log").read_text().splitlines()]

    def logged(self, event: str) -> list[dict[str, object]]:
        return [line for line in self.log if line["event"] == event]


async def quiet(who: str, text: str) -> None:
    """Nobody looks at what the programs say."""


@pytest.fixture
def account() -> Account:
    return Account(USER, PASSWORD, STORED)


@pytest.fixture
async def behind(account: Account) -> AsyncIterator[Ports]:
    async with servers(account, ServerEars()) as ports:
        yield ports


def with_rules(text: str, folder: Path) -> str:
    (folder / "rules.toml").write_text(text)
    return '[rules]\nfiles = ["rules.toml"]'


@pytest.mark.parametrize("tls", ["implicit", "none"])
async def test_sessions_through_all_protocols(
    tls: str, tmp_path: Path, behind: Ports, account: Account, nursery: trio.Nursery
) -> None:
    running = Running(tmp_path, behind, tls)
    await nursery.start(running.proxy.run)
    await submit(running.where("smtp"), USER, PASSWORD, [USER], SENT, quiet)
    assert len(await read_all(running.where("imap"), USER, PASSWORD, quiet)) == 3
    loaded = await download_and_delete(running.where("pop3"), USER, PASSWORD, quiet)
    assert (loaded.asked, loaded.accepted) == (3, 3)
    assert list(account.inbox.messages) == []
    listening = [(line["listener"], line["tls"]) for line in running.logged("listening")]
    assert listening == [("pop3", tls), ("imap", tls), ("smtp", tls)]


async def test_a_reload_takes_new_rules(
    tmp_path: Path, behind: Ports, account: Account, nursery: trio.Nursery
) -> None:
    more = with_rules(NO_DELE.replace("pop3 DELE", "pop3 TOP"), tmp_path)
    running = Running(tmp_path, behind, "none", more)
    await nursery.start(running.proxy.run)
    with_rules(NO_DELE, tmp_path)
    running.proxy.reload()
    assert len(running.logged("reloaded")) == 1
    loaded = await download_and_delete(running.where("pop3"), USER, PASSWORD, quiet)
    assert (loaded.asked, loaded.accepted) == (2, 0)
    assert len(account.inbox.messages) == 2


async def test_a_bad_reload_leaves_the_old_rules_in_force(
    tmp_path: Path, behind: Ports, account: Account, nursery: trio.Nursery
) -> None:
    running = Running(tmp_path, behind, "none", with_rules(NO_DELE, tmp_path))
    await nursery.start(running.proxy.run)
    with_rules(NO_DELE.replace("block", "blok"), tmp_path)
    running.proxy.reload()
    (failed,) = running.logged("reload_failed")
    assert "rules.toml:4" in str(failed["cause"])
    assert failed["hint"] == "the old rules and certificates stay in force"
    loaded = await download_and_delete(running.where("pop3"), USER, PASSWORD, quiet)
    assert loaded.accepted == 0
    assert len(account.inbox.messages) == 2


def own_certificate(folder: Path) -> trustme.CA:
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost")
    leaf.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "cert.pem").write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
    (folder / "key.pem").chmod(0o600)
    authority.cert_pem.write_to_path(folder / "trusted.pem")
    return authority


RULES = 'rules.files = ["rules.toml"]'
OWN = '[tls]\ncertificate = "cert.pem"\nkey = "key.pem"'


async def connects(running: Running, folder: Path) -> bool:
    """Does a program that trusts ``trusted.pem`` take the certificate that is served now?"""
    host, port = running.proxy.addresses["imap"]
    try:
        stream = await Endpoint(host, port, folder / "trusted.pem").connect()
    except (trio.BrokenResourceError, ssl.SSLError):
        return False
    await trio.aclose_forcefully(stream)
    return True


async def test_a_reload_takes_a_new_certificate_and_no_bad_one(
    tmp_path: Path, behind: Ports, nursery: trio.Nursery
) -> None:
    own_certificate(tmp_path)
    running = Running(tmp_path, behind, "implicit", OWN)
    await nursery.start(running.proxy.run)
    assert await connects(running, tmp_path)
    own_certificate(tmp_path)
    assert not await connects(running, tmp_path), "the old one is served until it is told"
    running.proxy.reload()
    assert await connects(running, tmp_path)
    (tmp_path / "cert.pem").write_text("nonsense")
    running.proxy.reload()
    assert await connects(running, tmp_path), "the good one stays"
    (failed,) = running.logged("reload_failed")
    assert "cert.pem: there is no certificate in PEM in it" in str(failed["cause"])


async def test_a_key_that_everybody_may_read_is_told(
    tmp_path: Path, behind: Ports, nursery: trio.Nursery
) -> None:
    own_certificate(tmp_path)
    (tmp_path / "key.pem").chmod(0o644)
    running = Running(tmp_path, behind, "implicit", OWN)
    await nursery.start(running.proxy.run)
    (warning,) = running.logged("certificate")
    assert "every user of this machine may read the key" in str(warning["detail"])


async def test_stopping_lets_sessions_finish(
    tmp_path: Path, behind: Ports, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    running, over = Running(tmp_path, behind, "none"), trio.Event()

    async def run(task_status: trio.TaskStatus[None]) -> None:
        await running.proxy.run(task_status=task_status)
        over.set()

    await nursery.start(run)
    stream = await running.where("pop3").connect()
    async with stream:
        assert (await stream.receive_some(100)).startswith(b"+OK")
        running.proxy.stop()
        await stream.send_all(b"NOOP\r\n")
        heard = bytearray()
        while data := await stream.receive_some(1000):
            heard += data
        assert heard
    with trio.fail_after(60):
        await over.wait()
    assert running.logged("stopping")[0]["sessions"] == 1
    with pytest.raises(OSError, match="all attempts to connect"):
        await running.where("pop3").connect()


async def test_stopping_with_nobody_there_ends_at_once(tmp_path: Path) -> None:
    running = Running(tmp_path, NOWHERE, "none")
    async with trio.open_nursery() as nursery:
        await nursery.start(running.proxy.run)
        running.proxy.stop()
    assert [line["event"] for line in running.log][-2:] == ["stopping", "stopped"]


async def test_the_log_is_flushed_while_nothing_else_happens(
    tmp_path: Path, nursery: trio.Nursery, autojump_clock: trio.testing.MockClock
) -> None:
    running = Running(tmp_path, NOWHERE, "none")
    await nursery.start(running.proxy.run)
    running.logger.say("later")
    await trio.sleep(2)
    assert '"later"' in (tmp_path / "mailproxy.log").read_text()


async def test_an_upstream_that_is_not_there_is_said(tmp_path: Path, nursery: trio.Nursery) -> None:
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        port = unused.getsockname()[1]
        running = Running(tmp_path, Ports(port, port, port), "none")
        await nursery.start(running.proxy.run)
        with pytest.raises(Refused, match=r"-ERR"):
            await download_and_delete(running.where("pop3"), USER, PASSWORD, quiet)


async def test_tls_to_the_upstream_trusts_what_the_file_says(tmp_path: Path, nursery: trio.Nursery) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "upstream.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)

    async def server(tcp: trio.abc.Stream) -> None:
        stream = trio.SSLStream(tcp, context, server_side=True, https_compatible=True)
        await stream.send_all(b"+OK from behind\r\n")
        await stream.receive_some(1)

    (listener,) = await nursery.start(partial(trio.serve_tcp, server, 0, host=HOST))
    port = listener.socket.getsockname()[1]
    file = tmp_path / "mailproxy.toml"
    file.write_text(
        f'state = "state"\n[log]\nfile = "mailproxy.log"\n[upstream.a]\nhost = "{HOST}"\n'
        f'ca_file = "upstream.pem"\npop3 = {{ port = {port}, tls = "implicit" }}\n'
        f'[[listener]]\nprotocol = "pop3"\naddress = "{HOST}:0"\ntls = "none"\nupstream = "a"\n'
    )
    config = load(file)
    proxy = Proxy(config, Log(config.log.file))
    await nursery.start(proxy.run)
    ((host, at),) = proxy.addresses.values()
    async with await trio.open_tcp_stream(host, at) as stream:
        assert await stream.receive_some(100) == b"+OK from behind\r\n"
    nursery.cancel_scope.cancel()


# -- what keeps a proxy from starting -----------------------------------------------------


@pytest.fixture
def taken() -> Iterator[str]:
    """An address that somebody else listens on."""
    with socket.create_server((HOST, 0)) as other:
        yield f"{HOST}:{other.getsockname()[1]}"


def test_a_listener_that_cannot_be_opened(tmp_path: Path, taken: str) -> None:
    running = Running(tmp_path, NOWHERE, "none")
    text = running.file.read_text()
    head, _, tail = text.rpartition(f"{HOST}:0")
    running.file.write_text(head + taken + tail)
    proxy = Proxy(load(running.file), running.logger)
    with pytest.raises(StartError) as caught:
        proxy.open()
    said = str(caught.value)
    assert said.startswith(f"listener smtp: cannot listen on {taken}: Address already in use. ")
    assert said.endswith("Another program has this port; stop it or choose another")


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        ("EADDRINUSE", "Another program has this port"),
        ("EACCES", "Ports below 1024 need more rights"),
        ("EADDRNOTAVAIL", "This machine has no such address"),
        ("EIO", "Choose another address"),
    ],
)
def test_each_cause_has_its_next_step(
    number: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(host: str, port: int) -> list[socket.socket]:
        code = getattr(errno, number)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(app, "open_socket", fails)
    with pytest.raises(StartError) as caught:
        Running(tmp_path, NOWHERE, "none").proxy.open()
    assert f"listener pop3: cannot listen on {HOST}:0: " in str(caught.value)
    assert hint in str(caught.value)


def test_what_was_opened_is_closed_when_the_rest_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[socket.socket] = []

    def one_only(host: str, port: int) -> list[socket.socket]:
        if opened:
            raise OSError("no more")
        opened.append(socket.create_server((host, port)))
        return opened

    monkeypatch.setattr(app, "open_socket", one_only)
    with pytest.raises(StartError):
        Running(tmp_path, NOWHERE, "none").proxy.open()
    assert [sock.fileno() for sock in opened] == [-1]


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(RuleError):
        Running(tmp_path, NOWHERE, "none", with_rules("[[rule]\n", tmp_path))
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("nonsense")
    with pytest.raises(TlsError):
        Running(tmp_path, NOWHERE, "implicit", OWN)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("state =", "stat =", 'Did you mean "state"?'),
        ("mailproxy.log", "missing/mailproxy.log", "log.file: cannot open"),
        ("state =", "workers = 2\nstate =", "set workers = 1"),
        (f"{HOST}:0", "TAKEN", "Address already in use"),
        ("state =", f"{RULES}\nstate =", "rules.toml"),
        ("[log]", f"{OWN}\n[log]", "there is no certificate in PEM in it"),
    ],
    ids=["key", "log", "workers", "address", "rules", "certificate"],
)
def test_serve_says_what_is_wrong_and_returns_1(
    old: str, new: str, said: str, tmp_path: Path, taken: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("nonsense")
    running = Running(tmp_path, NOWHERE)
    running.rules.write_text("[[rule]\n")
    running.file.write_text(running.file.read_text().replace(old, new.replace("TAKEN", taken), 1))
    assert serve(running.file) == 1
    error = capsys.readouterr().err
    assert error.startswith("mailproxy: error: ")
    assert said in error


def test_serve_says_that_there_is_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve(tmp_path / "missing.toml") == 1
    assert "there is no such file" in capsys.readouterr().err


def test_serve_runs_until_it_is_told_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = Running(tmp_path, NOWHERE, "none")
    reloaded: list[bool] = []

    async def tells(proxy: Proxy) -> None:
        await trio.lowlevel.checkpoint()
        os.kill(os.getpid(), signal.SIGHUP)
        while not reloaded:
            await trio.lowlevel.checkpoint()
        os.kill(os.getpid(), signal.SIGTERM)

    original_run, original_reload = Proxy.run, Proxy.reload

    async def run(proxy: Proxy, sockets: object = None) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tells, proxy)
            await original_run(proxy, sockets)  # type: ignore[arg-type]

    def reload(proxy: Proxy) -> None:
        original_reload(proxy)
        reloaded.append(True)

    monkeypatch.setattr(Proxy, "run", run)
    monkeypatch.setattr(Proxy, "reload", reload)
    monkeypatch.setattr(app.gc, "freeze", lambda: None)  # not for a process that runs other tests
    assert serve(running.file) == 0
    events = [line["event"] for line in running.log]
    assert events == ["listening"] * 3 + ["reloaded", "stopping", "stopped"]


async def test_the_second_request_to_stop_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    class Ended(Exception):
        pass

    def exits(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr(app.os, "_exit", exits)
    running = Running(tmp_path, NOWHERE, "none")
    with pytest.raises(Ended):
        running.proxy.give_up()
    assert running.logged("stopped")[0]["level"] == "warning"

    calls: list[str] = []
    given_up = trio.Event()
    monkeypatch.setattr(running.proxy, "stop", lambda: calls.append("stop"))
    monkeypatch.setattr(running.proxy, "give_up", lambda: (calls.append("give up"), given_up.set()))
    await nursery.start(app._signals, running.proxy)
    os.kill(os.getpid(), signal.SIGINT)
    while calls != ["stop"]:
        await trio.lowlevel.checkpoint()
    os.kill(os.getpid(), signal.SIGTERM)
    await given_up.wait()
    assert calls[:2] == ["stop", "give up"]
    nursery.cancel_scope.cancel()
