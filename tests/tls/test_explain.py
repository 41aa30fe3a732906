"""Sentences for people."""

from __future__ import annotations

import socket
import ssl

import pytest

from mailproxy.tls.client_hello import alert
from mailproxy.tls.explain import LONGEST, explain, explain_client


def answered(octets: bytes, *, close: bool = False) -> OSError:
    """What the ssl module says to a server that answers with these octets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    near, far = socket.socketpair()
    near.setblocking(False)
    far.sendall(octets)
    if close:
        far.shutdown(socket.SHUT_WR)
    end = context.wrap_socket(
        near, server_hostname="mail.example", do_handshake_on_connect=False, suppress_ragged_eofs=False
    )
    with end, far, pytest.raises(OSError) as caught:  # noqa: PT011
        end.do_handshake()
    return caught.value


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"* OK ready hunter2\r\n", "does not speak TLS on this port"),
        (b"+OK ready\r\n", "does not speak TLS on this port"),
        (b"220 mail.example ESMTP\r\n", "does not speak TLS on this port"),
        (alert(70), "too old"),
        (alert(40), "no common ground"),
        (alert(120), "does not serve this mail protocol"),
        (alert(112), "by this name"),
        (alert(80), "failed inside itself"),
        (alert(90), "alert"),
    ],
)
def test_an_answer_that_is_no_handshake(octets: bytes, says: str) -> None:
    sentence = explain(answered(octets), "mail.example")
    assert sentence.startswith("mail.example ")
    assert says in sentence
    assert "hunter2" not in sentence


def test_an_end_in_the_middle() -> None:
    assert "closed the connection" in explain(answered(b"", close=True), "mail.example")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (TimeoutError(), "in time"),
        (ConnectionResetError(104, "Connection reset by peer"), "closed the connection"),
        (OSError(113, "No route to host"), "No route to host"),
        (OSError(), "OSError"),
        (ssl.SSLError(1, "[SSL] something new (_ssl.c:1006)"), "SOMETHING_NEW"),
    ],
)
def test_other_errors(error: OSError, says: str) -> None:
    assert says in explain(error, "mail.example")


def certificate_error(code: int, message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_code, error.verify_message = code, message
    return error


def test_names_are_told_where_they_are_known() -> None:
    sentence = explain(certificate_error(62, "Hostname mismatch"), "a.example", ["b.example", "c.example"])
    assert sentence == "the certificate of a.example is for b.example, c.example and not for this host"


@pytest.mark.parametrize("code", [62, 999])
def test_nothing_foreign_reaches_the_terminal(code: int) -> None:
    foul = "\x1b]0;own\x07\r\nforged é \u202e" + "x" * 70000
    sentence = explain(certificate_error(code, foul), foul, [foul] * 50)
    assert len(sentence) <= LONGEST
    assert sentence.replace("…", "").isascii()
    assert sentence.isprintable()
    assert "\\x1b]0;own\\x07\\r\\nforged" in sentence


def test_the_mail_program_is_the_one_to_blame() -> None:
    error = ssl.SSLError(1, "[SSL] tlsv1 alert unknown ca (_ssl.c:1)")
    assert "mailproxy ca export" in explain_client(error)
    assert explain_client(TimeoutError()) == "the mail program did not finish TLS in time"
