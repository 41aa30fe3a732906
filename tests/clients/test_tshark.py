"""Debian's tshark opens what the proxy has recorded of real sessions, and reads in it what was said.

tshark 4.0 itself gives some messages otherwise than they were, from any capture; each such case is
a row of its own here:

* it leaves the dots of POP3 and SMTP doubled (RFC 1939 §3, RFC 5321 §4.5.2);
* a POP3 message ends for it in front of the dot, which becomes an object of its own;
* of an SMTP message without a body, it takes the blank line for the beginning of the end mark;
* it takes the client's lines of AUTH CRAM-MD5 for the beginning of the first message.
"""

from __future__ import annotations

import gzip
import re
import secrets
import smtplib
import socket
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.capture.tshark import fields, messages, warnings
from tests.clients import standard_library
from tests.clients.captured import EACH_SESSION, recorded
from tests.clients.standard_library import imap_client, pop3_client, smtp_client
from tests.proxy_process import PROJECT, Proxy, Way, mailproxy_running, read_events
from tests.servers.dovecot import Dovecot
from tests.servers.endpoints import ALICE, BOB, CAROL, DOMAIN, PROTOCOLS, TLS_KINDS, Door, Protocol, Tls
from tests.servers.messages import on_the_wire, sample_messages
from tests.servers.ports import LOOPBACK
from tests.servers.postfix import Postfix
from tests.waiting import until

ORIGINALS = {name: on_the_wire(message) for name, message in sample_messages().items()}
DOT = b".\r\n"
REQUESTS = {"pop3": "pop.request.command", "imap": "imap.request.command", "smtp": "smtp.req.command"}
REPLIES = {"pop3": "pop.response.indicator", "imap": "imap.response.status", "smtp": "smtp.response.code"}
# It says so of every AUTH PLAIN unless a preference is set, whether it can be decoded or not.
NO_DECODING = "base64 decode failed or is not enabled (check SMTP preferences)"


def stuffed(message: bytes) -> bytes:
    return re.sub(rb"^\.", b"..", message, flags=re.M)


@pytest.fixture(scope="module")
def recording(
    dovecot: Dovecot, postfix: Postfix, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    """A proxy with every kind of TLS on both of its sides; the rules keep, and block what is no mail."""
    ports = {"imap": dovecot.imap, "pop3": dovecot.pop3, "smtp": postfix.submission}
    upstream: dict[Tls, Tls] = {"none": "implicit", "starttls": "none", "implicit": "starttls"}
    ways = [
        Way(f"{name}-{tls}", name, tls, upstream[tls], ports[name].of(upstream[tls]), dovecot.authority.ca)
        for name, tls in product(PROTOCOLS, TLS_KINDS)
    ]
    folder = tmp_path_factory.mktemp("tshark")
    block = folder / "block.toml"
    block.write_text(
        '[[rule]]\nname = "no-vrfy"\nwhy = "Nobody asks for this."\non = ["smtp VRFY", "imap NAMESPACE"]\n'
        'do = "block"\n'
    )
    rules = [PROJECT / "rules/pop3-keep.toml", block]
    with mailproxy_running(folder, ways, rules, more=EACH_SESSION) as running:
        yield running
