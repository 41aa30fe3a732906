"""Modified UTF-7, in which mailbox names travel (RFC 3501 §5.1.3)."""

from __future__ import annotations

import binascii
import re

_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")


def decode_mutf7(name: str | bytes) -> str:
    """The mailbox name as people read it.

    Octets are read as UTF-8 (RFC 9755), others become ``\\xNN``. A sequence that is not
    modified UTF-7 stays as it is. A longer way to write a name gives the same text, so
    that a rule on the name cannot be passed by spelling it otherwise.
    """
    text = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    return _SHIFTED.sub(_unshift, text) if "&" in text else text


def _unshift(match: re.Match[str]) -> str:
    encoded = match[1].replace(",", "/")
    if not encoded:
        return "&"
    try:
        return binascii.a2b_base64(encoded + "=" * (-len(encoded) % 4)).decode("utf-16-be")
    except ValueError:
        return match[0]
