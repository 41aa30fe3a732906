"""``mailproxy version``."""

from __future__ import annotations

import json
import platform
import ssl
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from mailproxy import __version__

PARTS = ("trio", "cryptography", "structlog", "msgspec", "typer", "common-expression-language")


def version(
    as_json: Annotated[
        bool, typer.Option("--json", help="With the versions of what it is built on.")
    ] = False,
) -> None:
    """Print the version; with --json also those of Python, OpenSSL and the libraries."""
    if not as_json:
        print(f"mailproxy {__version__}")
        return
    parts = {"python": platform.python_version(), "openssl": ssl.OPENSSL_VERSION}
    for name in PARTS:
        try:
            parts[name] = version_of(name)
        except PackageNotFoundError:
            parts[name] = "missing"
    print(json.dumps({"mailproxy": __version__, **parts}))
