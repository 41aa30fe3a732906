"""Builds what the story needs: the embedded servers, a configuration and the proxy in front of them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from mailproxy.app import Proxy
from mailproxy.config import Config, load
from mailproxy.demo.kept import KeptInStore, KeptMail
from mailproxy.demo.mailbox import Account
from mailproxy.demo.story import Endpoints, ServerEars
from mailproxy.demo.world import HOST, PASSWORD, STORED, USER, Ports, servers
from mailproxy.record.log import Log
from mailproxy.rules.shipped import shipped
from mailproxy.tls.authority import CERTIFICATE_FILE

RULE = "pop3-keep.toml"
CONFIGURATION_FILE = "mailproxy.toml"


class RuleMissing(FileNotFoundError):
    """The shipped rule is not where the installation should have put it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is running. ``file`` is the proxy's configuration, ``config`` its text."""

    account: Account
    ears: ServerEars
    where: Endpoints
    kept: KeptMail
    file: Path
    config: str


def shipped_rule() -> Path:
    """The rule file, in an installed package or in a source tree. Raises :class:`RuleMissing`."""
    for path in shipped():
        if path.name == RULE:
            return path
    raise RuleMissing(f"the rule file {RULE} is missing: install mailproxy again, or try --without-rule")


@asynccontextmanager
async def scene(folder: Path, rule: Path | None) -> AsyncIterator[Scene]:
    """Everything, the proxy included, until the block ends; its files lie in ``folder``."""
    account, ears = Account(USER, PASSWORD, STORED), ServerEars()
    async with (
        servers(account, ears) as upstream,
        proxy_before(upstream, folder, rule) as (config, where),
    ):
        file = folder / CONFIGURATION_FILE
        kept = KeptInStore(config.store.url, account.user)
        yield Scene(account, ears, where, kept, file, file.read_text(encoding="utf-8"))


@asynccontextmanager
async def proxy_before(
    upstream: Ports, folder: Path, rule: Path | None
) -> AsyncIterator[tuple[Config, Endpoints]]:
    """The proxy in front of these servers, with its configuration, store and authority in ``folder``."""
    config = _prepare(folder, configuration(upstream, rule), rule)
    async with _proxy(config) as ports:
        yield config, ports.endpoints(config.state / "tls" / CERTIFICATE_FILE)


def configuration(upstream: Ports, rule: Path | None) -> str:
    """The proxy's configuration file: TLS for the programs, plain text on loopback behind it."""
    rules = f'[rules]\nfiles = ["{rule.name}"]\n\n' if rule is not None else ""
    return f"""\
workers = 1
state = "state"

[log]
file = "mailproxy.log"

[tls]
names = ["localhost", "{HOST}"]

{rules}[upstream.demo]
host = "{HOST}"
pop3 = {{ port = {upstream.pop3}, tls = "none" }}
imap = {{ port = {upstream.imap}, tls = "none" }}
smtp = {{ port = {upstream.smtp}, tls = "none" }}

""" + "\n".join(
        f"""\
[[listener]]
name = "{protocol}"
protocol = "{protocol}"
address = "{HOST}:0"
tls = "implicit"
upstream = "demo"
"""
        for protocol in ("pop3", "imap", "smtp")
    )


def _prepare(folder: Path, text: str, rule: Path | None) -> Config:
    if rule is not None:
        shutil.copyfile(rule, folder / rule.name)
    file = folder / CONFIGURATION_FILE
    file.write_text(text, encoding="utf-8")
    return load(file)


@asynccontextmanager
async def _proxy(config: Config) -> AsyncIterator[Ports]:
    log = Log(config.log.file, config.log.level)
    try:
        proxy = Proxy(config, log)
        async with trio.open_nursery() as nursery:
            await nursery.start(proxy.run)
            yield Ports(*(proxy.addresses[name][1] for name in ("pop3", "imap", "smtp")))
            nursery.cancel_scope.cancel()
    finally:
        log.close()
