"""Folder names for users and upstreams, whose own names anybody may have chosen."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote

LONGEST = 120  # octets of a folder name; file systems allow 255
_UNSAFE = re.compile(rb"[^A-Za-z0-9@._+-]|\A[.-]")
_CUT = "%~"  # cannot stand in a name that was not cut


def safe_name(name: str) -> str:
    """The name as one folder name: never empty, hidden, an option, or a way out of its folder.

    All but ASCII letters, digits and ``@._+-`` is percent-encoded (UTF-8), and so is a dot or
    hyphen in front. Two names never have the same folder: of a long one, a hash stands for the rest.
    """
    octets = name.encode("utf-8", "surrogatepass")
    safe = _UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], octets).decode("ascii") or "%"
    if len(safe) <= LONGEST:
        return safe
    digest = hashlib.sha256(octets).hexdigest()[:40]
    return safe[: LONGEST - len(digest) - len(_CUT)] + _CUT + digest


def shown_name(folder: str) -> str:
    """What :func:`safe_name` was given, as far as the folder's name still tells."""
    kept = folder.partition(_CUT)[0]
    return unquote("" if kept == "%" else kept, errors="replace") + ("…" if kept != folder else "")
