"""A certificate authority of the servers' own, on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme

NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Authority:
    """PEM files: what clients trust, and a server's chain and key."""

    ca: Path
    chain: Path
    key: Path


def make_authority(folder: Path) -> Authority:
    """Make an authority and one certificate for loopback; the key is for root's eyes alone."""
    authority = trustme.CA()
    leaf = authority.issue_cert(*NAMES, common_name=NAMES[0])  # fetchmail wants a common name
    files = Authority(folder / "ca.pem", folder / "chain.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(str(files.ca))
    for block in leaf.cert_chain_pems:
        block.write_to_path(str(files.chain), append=True)
    files.key.touch(mode=0o600)
    leaf.private_key_pem.write_to_path(str(files.key), append=True)
    return files
