"""Other words for names, of the same length, the same for the same name in one file.

A word is a run of letters and digits, or of octets beyond ASCII. Which other word stands for
it depends on a secret that is thrown away, so nobody can find out by guessing. Letters stay
letters in their case, digits digits. Replacements of four letters and more are made of letters that no
word of any language has alone, so that one can be told from a word that was left by mistake.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Collection
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address

_WORD = re.compile(rb"&([A-Za-z0-9+,]*)-|[A-Za-z0-9]+|[\x80-\xff]+")
_LETTERS = b"abcdefghijklmnopqrstuvwxyz"
_NO_WORDS = b"bfjkqvwxz"
_SHORT = 4  # letters, from which on the replacement must be no word
_TRIES = 64
_MOST = 200_000  # replacements that are compared with one another; behind that two words may become one
_RANGES = ("192.0.2.0", "198.51.100.0", "203.0.113.0")  # RFC 5737
_RANGE_6 = int(IPv6Address("2001:db8::"))  # RFC 3849
# first code point and how many of them, by the octets of a character in UTF-8
_CHARACTERS = {2: (0x430, 32), 3: (0x4E00, 512), 4: (0x1F600, 64)}


class Names:
    """The replacements of one file. ``secret`` is random and at least 16 octets long."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._words: dict[bytes, bytes] = {}
        self._used: set[bytes] = set()
        self._addresses: dict[str, str] = {}

    def text(self, text: bytes, keep: Collection[bytes] = ()) -> bytes:
        """The text with every word replaced, but for those whose capitals are in ``keep``."""

        def one(match: re.Match[bytes]) -> bytes:
            word = match[0]
            if word.upper() in keep:
                return word
            if match[1] is not None:
                return self._shifted(match[1]) if match[1] else word
            return self.word(word)

        return _WORD.sub(one, text)

    def word(self, word: bytes) -> bytes:
        """Another word of the same length for one that :meth:`text` would find."""
        small = word.lower()
        other = self._words.get(small)
        if other is None:
            other = self._new(small, self._beyond_ascii if small[0] >= 0x80 else self._ascii)
        if small == word:
            return other
        return bytes(
            new - 32 if 65 <= old <= 90 and 97 <= new <= 122 else new
            for old, new in zip(word, other, strict=True)
        )

    def address(self, address: str) -> str:
        """Another IP address of the same family, out of the ranges for documentation."""
        found = self._addresses.get(address)
        if found is None:
            found = self._addresses[address] = _documentation(address, len(self._addresses))
        return found

    def _new(self, word: bytes, make: Callable[[bytes, bytes], bytes]) -> bytes:
        other = word
        for attempt in range(_TRIES):
            other = make(word, self._stream(word, attempt))
            if other != word and other not in self._used:
                break
        if len(self._words) < _MOST:
            self._words[word] = other
            self._used.add(other)
        return other

    def _stream(self, word: bytes, attempt: int) -> bytes:
        """As many octets as the word has, twice."""
        blocks = []
        for block in range(len(word) // 32 + 1):
            salt = b"%d %d " % (attempt, block)
            blocks.append(blake2b(salt + word, key=self._secret[:64]).digest())
        return b"".join(blocks)

    @staticmethod
    def _ascii(word: bytes, stream: bytes) -> bytes:
        letters = _LETTERS if sum(octet >= 97 for octet in word) < _SHORT else _NO_WORDS
        return bytes(
            48 + octet % 10 if 48 <= old <= 57 else letters[octet % len(letters)]
            for old, octet in zip(word, stream, strict=False)
        )

    @staticmethod
    def _beyond_ascii(word: bytes, stream: bytes) -> bytes:
        try:
            text = word.decode("utf-8")
        except UnicodeDecodeError:
            return bytes(0x80 | octet for octet in stream[: len(word)])
        made = []
        for character, octet in zip(text, stream, strict=False):
            first, count = _CHARACTERS[len(character.encode())]
            made.append(chr(first + octet % count))
        return "".join(made).encode()

    def _shifted(self, encoded: bytes) -> bytes:
        """A run of modified UTF-7 (RFC 3501 §5.1.3) that still is one."""
        units, spare = divmod(len(encoded) * 6, 16)
        if spare >= 6 or not units:
            return b"&" + self.word(re.sub(rb"[+,]", b"x", encoded)) + b"-"
        stream = self._stream(encoded, 0)
        text = "".join(chr(0x4E00 + stream[index % len(stream)]) for index in range(units))
        made = binascii.b2a_base64(text.encode("utf-16-be"), newline=False).rstrip(b"=")
        return b"&" + made.replace(b"/", b",") + b"-"


def _documentation(address: str, number: int) -> str:
    try:
        old = ip_address(address.partition("%")[0])
    except ValueError:
        old = IPv4Address(0)
    if isinstance(old, IPv6Address):
        return str(IPv6Address(_RANGE_6 + number + 1))
    thousands, last = divmod(number, 254)
    return str(IPv4Address(int(IPv4Address(_RANGES[thousands % len(_RANGES)])) + last + 1))
