"""The names that certificates are made for, and the fence around them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

from cryptography import x509

from mailproxy.tls.errors import TlsError

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def normal_names(names: Iterable[str], file: Path) -> tuple[str, ...]:
    """The names in the one spelling used here: lower-case A-labels and shortest addresses, each once.

    Raises TlsError, naming ``file``, for a name that is neither a host name nor an address,
    and when there is no name at all.
    """
    found = tuple(dict.fromkeys(_normal(name, file) for name in names))
    if not found:
        raise TlsError(
            file, "there is no name to make a certificate for", 'set `names = ["localhost"]` in [tls]'
        )
    return found


def subject_name(name: str) -> x509.GeneralName:
    """The normal name as an entry of subjectAltName."""
    address = as_address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def constraints(names: Iterable[str]) -> x509.NameConstraints:
    """Permit these names and no others (RFC 5280 §4.2.1.10).

    A host name also permits what lies below it: the RFC has no way to permit a name alone.
    """
    permitted: list[x509.GeneralName] = []
    for name in names:
        address = as_address(name)
        permitted.append(x509.DNSName(name) if address is None else x509.IPAddress(ip_network(address)))
    # A kind that is not mentioned is not constrained at all: it has to be excluded whole.
    excluded: list[x509.GeneralName] = []
    if not any(isinstance(name, x509.DNSName) for name in permitted):
        excluded.append(x509.DNSName(""))
    if not any(isinstance(name, x509.IPAddress) for name in permitted):
        excluded += [x509.IPAddress(ip_network("0.0.0.0/0")), x509.IPAddress(ip_network("::/0"))]
    return x509.NameConstraints(permitted, excluded or None)


def permits(fence: x509.NameConstraints, name: str) -> bool:
    """Does a fence made by :func:`constraints` let this normal name through?"""
    address = as_address(name)
    for permitted in fence.permitted_subtrees or ():
        if isinstance(permitted, x509.DNSName) and address is None:
            found = name == permitted.value or name.endswith("." + permitted.value)
        elif isinstance(permitted, x509.IPAddress) and address is not None:
            found = address in ip_network(str(permitted.value))
        else:
            continue
        if found:
            return True
    return False


def shown(names: Iterable[x509.GeneralName]) -> tuple[str, ...]:
    """Host names and addresses as a person writes them; other kinds are left out."""
    found: list[str] = []
    for name in names:
        if isinstance(name, x509.DNSName):
            found.append(name.value)
        elif isinstance(name, x509.IPAddress):
            found.append(str(name.value).removesuffix("/32").removesuffix("/128"))
    return tuple(found)


def as_address(name: str) -> IPv4Address | IPv6Address | None:
    """The address that the name is, None for a host name."""
    try:
        return ip_address(name)
    except ValueError:
        return None


def _normal(name: str, file: Path) -> str:
    address = as_address(name.removeprefix("[").removesuffix("]"))
    if address is not None:
        if isinstance(address, IPv6Address) and address.scope_id:
            raise TlsError(file, f"the address {name!r} has a zone", "leave out the % and what follows it")
        return str(address)
    try:
        host = name.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        host = ""
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise TlsError(
            file,
            f"{name[:100]!r} is neither a host name nor an address",
            "correct `names` in [tls]; wildcards are not possible",
        )
    return host
