"""``mailproxy ca``: where the local authority's certificate is, and how programs come to trust it."""

from __future__ import annotations

import json
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

app = typer.Typer(
    help="The local certificate authority that mail programs are to trust.", no_args_is_help=True
)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]

_HOW_TO_TRUST = """\
To make mail programs trust mailproxy, give them {file}:

Thunderbird  Settings > Privacy & Security > Certificates > Manage Certificates > Authorities > Import;
             tick "Trust this CA to identify websites" (it means mail servers too).
Debian       sudo cp {file} /usr/local/share/ca-certificates/mailproxy.crt && sudo update-ca-certificates
macOS        security add-trusted-cert -r trustRoot -p ssl -k ~/Library/Keychains/login.keychain-db {file}
Windows      certutil -user -addstore Root {file}

It can vouch for these names only: {names}.
SHA-256 fingerprint: {fingerprint}
"""


class Format(Enum):
    """How the certificate is written."""

    PEM = "pem"
    DER = "der"


@app.command()
def show(
    config: ConfigOption,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the path of the CA certificate; it is made if there is none yet."""
    path, certificate = _authority(config)
    if not as_json:
        typer.echo(path)
        return
    from mailproxy.tls.authority import permitted_names

    described = {
        "path": str(path),
        "fingerprint": _fingerprint(certificate),
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "names": list(permitted_names(certificate)),
    }
    typer.echo(json.dumps(described))


@app.command()
def export(
    config: ConfigOption,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to this file.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="PEM is text, DER is binary.")] = Format.PEM,
) -> None:
    """Write the CA certificate to standard output or a file; never the key."""
    from cryptography.hazmat.primitives.serialization import Encoding

    from mailproxy.tls.authority import permitted_names

    path, certificate = _authority(config)
    data = certificate.public_bytes(Encoding.PEM if format_ is Format.PEM else Encoding.DER)
    if out is None:
        if format_ is Format.DER and sys.stdout.isatty():
            _fail("DER is binary and would spoil the terminal; name a file with --out")
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        try:
            out.write_bytes(data)
        except OSError as error:
            _fail(f"{out}: {error.strerror}; name a file that you may write with --out")
    if sys.stdout.isatty():
        text = _HOW_TO_TRUST.format(
            file=out or path,
            names=", ".join(permitted_names(certificate)),
            fingerprint=_fingerprint(certificate),
        )
        typer.echo(text, err=True)


def _authority(config: Path) -> tuple[Path, Certificate]:
    """The certificate and its path, made on the first run; or say why not, and leave."""
    from mailproxy.config import ConfigError, load
    from mailproxy.tls.authority import CERTIFICATE_FILE, Authority, read_certificate
    from mailproxy.tls.errors import TlsError

    try:
        loaded = load(config)
        if loaded.tls.certificate is not None:
            _fail(
                f"{config}: mailproxy serves {loaded.tls.certificate} ([tls] certificate), so there is no "
                "local CA to trust; remove `certificate` and `key` to use one"
            )
        folder = loaded.state / "tls"
        path = folder / CERTIFICATE_FILE
        certificate = read_certificate(path)
        if certificate is None:
            certificate = Authority.open(folder, loaded.tls.names).certificate
    except (ConfigError, TlsError) as error:
        _fail(str(error))
    return path, certificate


def _fingerprint(certificate: Certificate) -> str:
    from cryptography.hazmat.primitives.hashes import SHA256

    return certificate.fingerprint(SHA256()).hex(":").upper()


def _fail(message: str) -> NoReturn:
    typer.echo(f"mailproxy: {message}", err=True)
    raise typer.Exit(1)
