"""``mailproxy check``: would this configuration work?"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mailproxy.config import Config


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to mend: a problem stops the proxy, a warning does not. ``line`` 0: none."""

    severity: str
    file: str
    line: int
    key: str
    cause: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        words = [place, *([self.key] if self.key else []), self.cause]
        return ": ".join(words) + (f". {self.hint}" if self.hint else "")


def check(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say whether a configuration file would work: the file, its rules, certificates and host names.

    Nothing is served, connected to or changed. The exit code is 0 when it would work,
    1 when it would not; every problem is said, not only the first.
    """
    findings = list(_findings(config))
    problems = [finding for finding in findings if finding.severity == "error"]
    if as_json:
        print(json.dumps({"ok": not problems, "findings": [asdict(finding) for finding in findings]}))
    else:
        _print(config, findings)
    raise typer.Exit(1 if problems else 0)


def _print(config: Path, findings: list[Finding]) -> None:
    from mailproxy.config.errors import printable

    for finding in findings:
        typer.echo(printable(f"mailproxy: {finding.severity}: {finding}"), err=True)
    if not any(finding.severity == "error" for finding in findings):
        typer.echo(f"{printable(str(config))}: OK")


def _findings(path: Path) -> Iterator[Finding]:
    from mailproxy.config import examine

    config, problems = examine(path)
    for problem in problems:
        yield Finding("error", str(path), problem.line, problem.key, problem.cause, problem.hint)
    if config is not None:
        if config.workers != 1:
            yield Finding(
                "error", str(path), 0, "workers", "this version serves with one process", "Write workers = 1"
            )
        yield from _rules(config)
        yield from _certificates(path, config)
        yield from _hosts(path, config)
        yield from _open_doors(path, config)


def _rules(config: Config) -> Iterator[Finding]:
    from mailproxy.rules import RuleError, load
    from mailproxy.rules.load import expand_patterns

    try:
        load(expand_patterns(config.rules.files))
    except RuleError as error:
        yield Finding("error", error.file, error.line, "", error.cause, error.hint)


def _certificates(path: Path, config: Config) -> Iterator[Finding]:
    from mailproxy.tls.client import upstream_context
    from mailproxy.tls.errors import TlsError
    from mailproxy.tls.own_certificate import read_own_certificate

    try:
        if config.tls.certificate is not None:
            _, warnings = read_own_certificate(config.tls.certificate, config.tls.key, datetime.now(UTC))
            for warning in warnings:
                yield Finding("warning", str(path), 0, "tls.certificate", warning)
    except TlsError as error:
        yield Finding("error", str(error.file), 0, "tls.certificate", error.cause, error.next_step)
    for name, upstream in config.upstream.items():
        try:
            upstream_context("imap", upstream.ca_file)
        except TlsError as error:
            yield Finding(
                "error", str(error.file), 0, f"upstream.{name}.ca_file", error.cause, error.next_step
            )


def _hosts(path: Path, config: Config) -> Iterator[Finding]:
    for name, upstream in config.upstream.items():
        try:
            socket.getaddrinfo(upstream.host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            cause = f"{upstream.host} has no address: {getattr(error, 'strerror', None) or error}"
            hint = "Correct the name, or look at the machine's DNS"
            yield Finding("error", str(path), 0, f"upstream.{name}.host", cause, hint)


def _open_doors(path: Path, config: Config) -> Iterator[Finding]:
    from mailproxy.config import is_loopback, split_address

    for index, listener in enumerate(config.listener):
        clear = listener.tls == "none" or (listener.require_tls is False and listener.tls == "starttls")
        for address in listener.address:
            if clear and not is_loopback(split_address(address)[0]):
                cause = f"passwords may cross the network to {address} in clear"
                yield Finding(
                    "warning", str(path), 0, f"listener[{index}].tls", cause, 'Use tls = "implicit"'
                )
