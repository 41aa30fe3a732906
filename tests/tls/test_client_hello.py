"""Reading the ClientHello: real ones, cut ones, and hostile ones."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproxy.tls.client_hello import LARGEST_PEEK, ClientHello, HelloError, alert, read, refusal
from tests.tls.handshakes import first_octets


def client(*protocols: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def vector(octets: int, data: bytes) -> bytes:
    return len(data).to_bytes(octets, "big") + data


def extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + vector(2, data)


def name_of(name: bytes, kind: int = 0) -> bytes:
    return extension(0, vector(2, bytes((kind,)) + vector(2, name)))


def offer(*protocols: bytes) -> bytes:
    return extension(16, vector(2, b"".join(vector(1, one) for one in protocols)))


def message(extensions: bytes | None) -> bytes:
    body = b"\x03\x03" + bytes(32) + vector(1, b"") + vector(2, b"\x13\x01") + vector(1, b"\x00")
    if extensions is not None:
        body += vector(2, extensions)
    return b"\x01" + vector(3, body)


def records(data: bytes, size: int = 16384) -> bytes:
    return b"".join(
        b"\x16\x03\x01" + vector(2, data[start : start + size]) for start in range(0, len(data), size)
    )


REAL = first_octets(client("imap", "http/1.1"), "mail.example.com")


@pytest.mark.parametrize(
    ("data", "hello"),
    [
        (REAL, ClientHello("mail.example.com", (b"imap", b"http/1.1"))),
        (first_octets(client(), "mail.example.com"), ClientHello("mail.example.com", None)),
        (first_octets(client("pop3"), "127.0.0.1"), ClientHello(None, (b"pop3",))),
        (records(message(None)), ClientHello()),
        (records(message(b"")), ClientHello()),
        (
            records(message(name_of(b"a.example.") + offer(b"\x0a\x0a"))),
            ClientHello("a.example.", (b"\n\n",)),
        ),
    ],
)
def test_what_clients_ask_for_is_read(data: bytes, hello: ClientHello) -> None:
    assert read(data) == hello
    assert read(data + b"\x14\x03\x03\x00\x01\x01early data") == hello


def test_old_clients_are_read_too() -> None:
    old = client("imap")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert read(first_octets(old, "localhost")) == ClientHello("localhost", (b"imap",))


def test_every_cut_of_a_hello_is_incomplete() -> None:
    for end in range(len(REAL)):
        assert read(REAL[:end]) is None
        assert refusal(REAL[:end], "imap") is None


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 100])
def test_a_hello_in_several_records_is_one_hello(size: int) -> None:
    data = records(REAL[5:], size)
    assert read(data) == read(REAL)
    for end in range(0, len(data), 7):
        assert read(data[:end]) in (None, read(REAL))
    assert read(data[:-1]) is None


@pytest.mark.parametrize(
    ("offered", "protocol", "answer"),
    [
        (("imap",), "imap", b""),
        (("http/1.1", "imap"), "imap", b""),
        ((), "imap", b""),
        (("http/1.1",), "imap", alert(120)),
        (("imap",), "pop3", alert(120)),
        (("imap4", "IMAP", "ima"), "imap", alert(120)),
    ],
)
def test_who_offers_other_protocols_only_is_refused(
    offered: tuple[str, ...], protocol: str, answer: bytes
) -> None:
    assert refusal(first_octets(client(*offered), "localhost"), protocol) == answer


def test_the_alert_is_what_clients_understand() -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    end = client("http/1.1").wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        end.do_handshake()
    answer = refusal(outgoing.read(), "imap")
    assert answer
    incoming.write(answer)
    with pytest.raises(ssl.SSLError) as caught:
        end.do_handshake()
    assert "alert no application protocol" in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        records(message(offer(b"imap") + offer(b"http/1.1"))),
        records(message(extension(77, b"") + extension(77, b""))),
        records(message(offer())),
        records(message(offer(b""))),
        records(message(extension(16, b""))),
        records(message(extension(16, vector(2, vector(1, b"imap")) + b"x"))),
        records(message(extension(16, vector(2, b"\x09imap")))),
        records(message(name_of(b""))),
        records(message(name_of(b"a..example"))),
        records(message(name_of(b"x" * 64 + b".example"))),
        records(message(name_of(b"a." * 128))),
        records(message(name_of(b"b\xc3\xbccher.example"))),
        records(message(name_of(b"spool\x00\\"))),
        records(message(name_of(b"a\x1b[2J.example"))),
        records(message(name_of(b"a.example", kind=1))),
        records(message(extension(0, vector(2, b"\x00\x00\x01a\x00\x00\x01b")))),
        records(message(extension(0, b""))),
        records(message(b"\x00")),
        records(message(None)[:-2] + b"\x09\x00"),
        records(b"\x01\x00\x40\x01" + bytes(16385)),
        records(b"\x02" + message(None)[1:]),
        b"\x16\x03\x01\x00\x00" + records(message(None)),
        b"\x16\x03\x01\x40\x01" + bytes(16385),
        b"\x16\x02\x01\x00\x05",
        records(message(None)[:9]) + b"\x17" + records(message(None)[9:])[1:],
    ],
)
def test_a_malformed_hello_is_refused(data: bytes) -> None:
    with pytest.raises(HelloError):
        read(data)
    assert refusal(data, "imap") == alert(50)


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"", None),
        (b"a LOGIN u p\r\n", b""),
        (b"GET / HTTP/1.0\r\n\r\n", b""),
        (b"\x15\x03\x01\x00\x02\x02\x28", b""),
        (b"\x80\x2e", None),
        (b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10", alert(70)),
        (b"\xff\xfb\x01", alert(70)),
        (b"\xff\xfb\x02", b""),
    ],
)
def test_what_is_no_hello_of_today(data: bytes, answer: bytes | None) -> None:
    assert refusal(data, "imap") == answer


def test_who_sends_crumbs_is_not_waited_for_for_ever() -> None:
    crumbs = records(b"\x01\x00\x40\x00" + bytes(16384), 1)
    assert refusal(crumbs[: LARGEST_PEEK - 1], "imap") is None
    assert refusal(crumbs[:LARGEST_PEEK], "imap") == alert(50)


def outcome(data: bytes) -> ClientHello | HelloError | None:
    try:
        return read(data)
    except HelloError as error:
        return error


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(data: bytes) -> None:
    outcome(data)
    outcome(records(message(data)))
    outcome(records(b"\x01" + vector(3, data)))
    outcome(records(message(extension(0, data) + extension(16, data))))
    assert refusal(data, "imap") in (None, b"", alert(50), alert(70), alert(120))


@settings(deadline=None)
@given(st.integers(0, len(REAL) - 1), st.binary(min_size=1, max_size=3), st.integers(0, len(REAL)))
def test_a_spoiled_hello_is_read_or_refused(position: int, octets: bytes, end: int) -> None:
    spoiled = REAL[:position] + octets + REAL[position + len(octets) :]
    whole = outcome(spoiled)
    part = outcome(spoiled[:end])
    # More octets never change what was said of fewer, save from "not yet".
    assert part is None or isinstance(part, HelloError) == isinstance(whole, HelloError)


@settings(deadline=None)
@given(
    st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=5),
    st.integers(1, 60),
    st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9}){0,3}", fullmatch=True),
)
def test_what_was_written_is_what_is_read(protocols: list[bytes], size: int, name: str) -> None:
    data = records(
        message(offer(*protocols) + extension(10, b"\x00\x02\x00\x1d") + name_of(name.encode())), size
    )
    assert read(data) == ClientHello(name, tuple(protocols))
