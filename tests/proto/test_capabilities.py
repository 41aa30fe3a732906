"""Capability lists: what is hidden, what is added, and that nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.capabilities import (
    Policy,
    edit_capa,
    edit_ehlo,
    edit_imap_line,
    ehlo_capabilities,
    imap_capabilities,
)

GUARD = Policy(guard=True, starttls=False, login=True)
OBSERVE = Policy(guard=False, starttls=False, login=True)
CLEAR = Policy(guard=True, starttls=True, login=False)  # plaintext listener that demands TLS
UPGRADABLE = Policy(guard=True, starttls=True, login=True)

GMAIL = (
    b"* CAPABILITY IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS ENABLE MOVE "
    b"CONDSTORE ESEARCH UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE APPENDLIMIT=35651584\r\n"
)
DOVECOT = (
    b"* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES "
    b"MULTIAPPEND I18NLEVEL=1 ESEARCH SEARCHRES WITHIN CONTEXT=SEARCH LIST-MYRIGHTS RIGHTS=texk STATUS=SIZE "
    b"SAVEDATE SEARCH=FUZZY SNIPPET=FUZZY PREVIEW=FUZZY NOTIFY BINARY CATENATE METADATA AUTH=PLAIN] Hi.\r\n"
)


@pytest.mark.parametrize(
    "line",
    [
        GMAIL,
        DOVECOT,
        b"* CAPABILITY IMAP4rev1 \r\n",
        b"* OK IMAP4rev1 COMPRESS=DEFLATE STARTTLS ready\r\n",
        b"* OK [ALERT] [CAPABILITY COMPRESS=DEFLATE]\r\n",
        b"* NO [CAPABILITY COMPRESS=DEFLATE] x\r\n",
        b'* LIST () "/" "[CAPABILITY COMPRESS=DEFLATE]"\r\n',
        b"* CAPABILITYX COMPRESS=DEFLATE\r\n",
        b"* 1 FETCH (BODY[] {41}\r\n",
        b"a OK done\r\n",
        b"+ [CAPABILITY COMPRESS=DEFLATE]\r\n",
        b"",
    ],
)
def test_lines_that_need_no_edit_come_back_as_the_same_object(line: bytes) -> None:
    assert edit_imap_line(line, GUARD) is line


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        (GUARD, "* CAPABILITY IMAP4rev1 STARTTLS COMPRESS=DEFLATE IDLE", "* CAPABILITY IMAP4rev1 IDLE"),
        (OBSERVE, "* CAPABILITY IMAP4rev1 COMPRESS=DEFLATE X-NEW starttls", "* CAPABILITY IMAP4rev1 X-NEW"),
        (GUARD, "* CAPABILITY IMAP4rev1 X-NEW XAPPLEPUSHSERVICE", "* CAPABILITY IMAP4rev1"),
        (
            GUARD,
            "* PREAUTH [CAPABILITY IMAP4rev1 LOGINDISABLED LOGIN-REFERRALS MAILBOX-REFERRALS] STARTTLS",
            "* PREAUTH [CAPABILITY IMAP4rev1] STARTTLS",
        ),
        (
            OBSERVE,
            "a1 OK [capability IMAP4rev1 JMAPACCESS UNAUTHENTICATE CONVERT URLAUTH URLAUTH=BINARY] x",
            "a1 OK [capability IMAP4rev1 URLAUTH URLAUTH=BINARY] x",
        ),
        (
            GUARD,
            "* CAPABILITY AUTH=PLAIN AUTH=GSSAPI AUTH=NTLM auth=digest-md5 AUTH=EXTERNAL AUTH=XOAUTH2 ID",
            "* CAPABILITY AUTH=PLAIN AUTH=XOAUTH2 ID",
        ),
        (
            OBSERVE,
            "* CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-256-PLUS AUTH=PLAIN",
            "* CAPABILITY IMAP4rev1 AUTH=PLAIN",
        ),
        (GUARD, "* CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-1", "* CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-1"),
        (
            CLEAR,
            "* CAPABILITY IMAP4rev1 AUTH=PLAIN IDLE",
            "* CAPABILITY IMAP4rev1 IDLE STARTTLS LOGINDISABLED",
        ),
        (UPGRADABLE, "* CAPABILITY StartTLS IMAP4rev1 STARTTLS", "* CAPABILITY StartTLS IMAP4rev1"),
        (UPGRADABLE, "* OK [CAPABILITY IMAP4rev1] hi", "* OK [CAPABILITY IMAP4rev1 STARTTLS] hi"),
        (UPGRADABLE, "* CAPABILITY IMAP4rev1 ", "* CAPABILITY IMAP4rev1 STARTTLS "),
        (UPGRADABLE, "* CAPABILITY  IMAP4rev1", "* CAPABILITY  IMAP4rev1 STARTTLS"),
        (UPGRADABLE, "* CAPABILITY", "* CAPABILITY STARTTLS"),
        (GUARD, "* OK [CAPABILITY COMPRESS=DEFLATE] hi", "* OK [CAPABILITY] hi"),
        # forms that a lenient reader may still take for a list
        (GUARD, "* CAPABILITY IMAP4rev1 ] COMPRESS=DEFLATE", "* CAPABILITY IMAP4rev1"),
        (GUARD, "* OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE", "* OK [CAPABILITY IMAP4rev1"),
        (GUARD, "* CAPABILITY IMAP4rev1\rCOMPRESS=DEFLATE IDLE", "* CAPABILITY IDLE"),
        (GUARD, "* CAPABILITY IMAP4rev1 \x85 IDLE\tMOVE", "* CAPABILITY IMAP4rev1"),
    ],
)
def test_imap(policy: Policy, before: str, after: str) -> None:
    assert edit_imap_line(before.encode() + b"\r\n", policy) == after.encode() + b"\r\n"


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (b"* CAPABILITY IMAP4rev1 starttls AUTH=GSSAPI\r\n", {"IMAP4REV1", "STARTTLS", "AUTH=GSSAPI"}),
        (b"* OK [CAPABILITY IMAP4rev1 LITERAL+] hi\r\n", {"IMAP4REV1", "LITERAL+"}),
        (b"a.1 ok [capability IDLE] hi\r\n", {"IDLE"}),
        (b"* CAPABILITY\r\n", set()),
        (b"* OK IMAP4rev1\r\n", None),
        (b"* 23 EXISTS\r\n", None),
    ],
)
def test_imap_capabilities(line: bytes, names: set[str] | None) -> None:
    assert imap_capabilities(line) == names


def _lines(text: str) -> list[bytes]:
    return [line.encode() + b"\r\n" for line in text.split(" | ")] if text else []


# RFC 2449 §5, the example.
RFC_CAPA = "TOP | USER | SASL CRAM-MD5 KERBEROS_V4 | UIDL | IMPLEMENTATION Shlemazle-Plotz-v302"


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        (GUARD, RFC_CAPA, "TOP | USER | SASL CRAM-MD5 | UIDL | IMPLEMENTATION Shlemazle-Plotz-v302"),
        (CLEAR, RFC_CAPA, "TOP | UIDL | IMPLEMENTATION Shlemazle-Plotz-v302 | STLS"),
        (GUARD, "STLS | TOP | X-NEW | XTND", "TOP"),
        (OBSERVE, "STLS | TOP | X-NEW 1 | XTND", "TOP | X-NEW 1"),
        (UPGRADABLE, "TOP | stls | UIDL | STLS", "TOP | stls | UIDL"),
        (UPGRADABLE, "", "STLS"),
        (GUARD, "SASL GSSAPI NTLM | UIDL", "UIDL"),
        (GUARD, "SASL PLAIN SCRAM-SHA-1 SCRAM-SHA-1-PLUS", "SASL PLAIN"),
        (GUARD, "SASL\tGSSAPI PLAIN", "SASL\tPLAIN"),
        (GUARD, "SASL | EXPIRE 60 USER | LOGIN-DELAY 900", "SASL | EXPIRE 60 USER | LOGIN-DELAY 900"),
        (
            GUARD,
            "UTF8 USER | LANG | RESP-CODES | AUTH-RESP-CODE | PIPELINING | ",
            "UTF8 USER | LANG | RESP-CODES | AUTH-RESP-CODE | PIPELINING",
        ),
    ],
)
def test_capa(policy: Policy, before: str, after: str) -> None:
    assert edit_capa(_lines(before), policy) == _lines(after)


EXIM = "250-mx.example Hello | 250-SIZE 52428800 | 250-8BITMIME | 250-PIPELINING"


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        (GUARD, EXIM + " | 250-STARTTLS | 250-PRDR | 250 HELP", EXIM + " | 250 HELP"),
        (GUARD, EXIM + " | 250-HELP | 250 STARTTLS", EXIM + " | 250 HELP"),
        (UPGRADABLE, EXIM + " | 250 STARTTLS", EXIM + " | 250 STARTTLS"),
        (UPGRADABLE, EXIM + " | 250 HELP", EXIM + " | 250-HELP | 250 STARTTLS"),
        (UPGRADABLE, "250 mx.example", "250-mx.example | 250 STARTTLS"),
        (GUARD, "250-STARTTLS | 250 STARTTLS", "250 STARTTLS"),  # a host may be called so
        (
            GUARD,
            "250-mx | 250-AUTH GSSAPI PLAIN NTLM LOGIN | 250-AUTH=GSSAPI PLAIN NTLM LOGIN | 250 DSN",
            "250-mx | 250-AUTH PLAIN LOGIN | 250-AUTH=PLAIN LOGIN | 250 DSN",
        ),
        (OBSERVE, "250-mx | 250 AUTH=LOGIN PLAIN", "250-mx | 250 AUTH=LOGIN PLAIN"),
        (GUARD, "250-mx | 250-DSN | 250 AUTH=NTLM", "250-mx | 250 DSN"),
        (GUARD, "250-mx | 250-AUTH\tNTLM PLAIN | 250 OK", "250-mx | 250-AUTH\tPLAIN | 250 OK"),
        (GUARD, "250-mx | 250-AUTH SCRAM-SHA-1 PLAIN | 250 AUTH=SCRAM-SHA-1-PLUS", "250-mx | 250 AUTH PLAIN"),
        (CLEAR, "250-mx | 250-auth PLAIN | 250-AUTH=PLAIN | 250 DSN", "250-mx | 250-DSN | 250 STARTTLS"),
        (
            OBSERVE,
            "250-mx | 250-ETRN | 250-XCLIENT NAME ADDR | 250-XFORWARD NAME | 250-BURL | 250-X-EXPS=LOGIN | "
            "250-XEXCH50 | 250-CHECKPOINT | 250-CONPERM | 250-MTRK | 250-REQUIRETLS | 250 X-NEW",
            "250-mx | 250-REQUIRETLS | 250 X-NEW",
        ),
        (
            GUARD,
            "250-mx | 250-REQUIRETLS | 250-LIMITS RCPTMAX=20 | 250 X-NEW",
            "250-mx | 250 LIMITS RCPTMAX=20",
        ),
        (GUARD, "250-mx | 250-CHUNKING | 250-BINARYMIME | 250", "250-mx | 250-CHUNKING | 250 BINARYMIME"),
    ],
)
def test_ehlo(policy: Policy, before: str, after: str) -> None:
    assert edit_ehlo(_lines(before), policy) == _lines(after)


def test_lists_that_need_no_edit_come_back_as_the_same_object() -> None:
    ehlo, capa = _lines(EXIM + " | 250 HELP"), _lines("TOP | UIDL")
    assert edit_ehlo(ehlo, GUARD) is ehlo
    assert edit_capa(capa, GUARD) is capa
    assert edit_ehlo([], UPGRADABLE) == []


def test_ehlo_capabilities() -> None:
    text = "250-size 1 | 250-SIZE 52428800 | 250-auth PLAIN LOGIN | 250-AUTH=NTLM | 250-x\t1 | 250 Help"
    assert ehlo_capabilities(_lines(text)) == {
        "SIZE": "52428800",
        "AUTH": "PLAIN LOGIN NTLM",
        "X": "1",
        "HELP": "",
    }
    assert ehlo_capabilities([]) == {}


_POLICIES = st.builds(Policy, guard=st.booleans(), starttls=st.booleans(), login=st.booleans())
_NAMES = st.sampled_from(
    "IMAP4rev1 IDLE STARTTLS LOGINDISABLED COMPRESS=DEFLATE X-NEW AUTH=PLAIN AUTH=NTLM AUTH=SCRAM-SHA-1-PLUS "
    "AUTH=SCRAM-SHA-1 UIDPLUS STLS TOP USER AUTH SASL DSN ETRN".split()
) | st.text("AX=+- é", max_size=5)


@given(
    policy=_POLICIES,
    names=st.lists(_NAMES, max_size=12),
    head=st.sampled_from(["* CAPABILITY ", "a OK [CAPABILITY "]),
)
def test_an_edited_list_keeps_its_order_and_needs_no_second_edit(
    policy: Policy, names: list[str], head: str
) -> None:
    line = (head + " ".join(names) + ("] text" if "[" in head else "") + "\r\n").encode()
    edited = edit_imap_line(line, policy)
    assert edit_imap_line(edited, policy) is edited
    shown = imap_capabilities(edited)
    assert shown is not None
    assert ("STARTTLS" in shown, "LOGINDISABLED" in shown) == (policy.starttls, not policy.login)
    assert not shown & {"COMPRESS=DEFLATE", "AUTH=NTLM", "AUTH=SCRAM-SHA-1-PLUS"}
    ours = {"STARTTLS", "LOGINDISABLED"}
    left = [word for word in edited.replace(b"]", b" ]").split() if word.decode().upper() not in ours]
    there = iter(line.replace(b"]", b" ]").split())
    assert all(word in there for word in left)  # in this order


@given(policy=_POLICIES, names=st.lists(_NAMES, max_size=10))
def test_edited_lists_of_lines_are_well_formed(policy: Policy, names: list[str]) -> None:
    bodies = [name.encode() + b"\r\n" for name in names]
    capa = edit_capa(bodies, policy)
    assert edit_capa(capa, policy) is capa
    ehlo = edit_ehlo([b"250-host\r\n", *(b"250-" + body for body in bodies)], policy)
    assert [line[:4] for line in ehlo] == [b"250-"] * (len(ehlo) - 1) + [b"250 "]
    assert ("STARTTLS" in ehlo_capabilities(ehlo)) == policy.starttls
    assert edit_ehlo(ehlo, policy) is ehlo


@given(
    policy=_POLICIES,
    line=st.binary(max_size=100),
    head=st.sampled_from([b"", b"* CAPABILITY ", b"* OK [CAPABILITY "]),
)
def test_any_octets_pass(policy: Policy, line: bytes, head: bytes) -> None:
    edited = edit_imap_line(head + line, policy)
    assert (imap_capabilities(edited) is None) == (imap_capabilities(head + line) is None)
    edit_capa([line], policy)
    edit_ehlo([line, line], policy)
    ehlo_capabilities([line, line])


def test_long_lists_end_at_once() -> None:
    line = b"* CAPABILITY" + b" X" * 100_000 + b"\r\n"
    assert edit_imap_line(line, GUARD) == b"* CAPABILITY\r\n"
