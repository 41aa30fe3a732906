"""The local authority: its files, what it may vouch for, and what verifiers make of it."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mailproxy.tls.authority import Authority, permitted_names, read_certificate
from mailproxy.tls.certificates import key_to_pem, new_authority, new_key, new_leaf, to_pem
from mailproxy.tls.errors import TlsError
from mailproxy.tls.identity import Identity
from tests.tls.handshakes import handshake, trusting

NAMES = ("localhost", "127.0.0.1", "::1", "mail.example.com")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "tls"


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def serving(identity: Identity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    identity.load_into(context)
    return context


def verify_error(authority: Authority, identity: Identity, host: str) -> str:
    """What a strict mail program says of the identity, nothing if it is content."""
    with handshake(serving(identity), trusting(authority.path.read_bytes()), host) as ends:
        return str(getattr(ends.client_error, "verify_message", ends.client_error or ""))


def stolen(folder: Path, authority: Authority, *names: str) -> Identity:
    """What a thief of the key would make."""
    key = load_pem_private_key((folder / "ca-key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    own = new_key()
    leaf = new_leaf(own.public_key(), names, authority.certificate, key, datetime.now(UTC))
    return Identity(to_pem(leaf), key_to_pem(own), leaf.not_valid_after_utc)


@pytest.mark.usefixtures("no_umask")
def test_nobody_else_may_read_the_key_even_without_a_umask(folder: Path) -> None:
    Authority.open(folder, NAMES)
    assert mode(folder) == 0o700
    assert mode(folder / "ca-key.pem") == 0o600
    assert mode(folder / "ca.pem") == 0o644
    assert sorted(path.name for path in folder.iterdir()) == ["ca-key.pem", "ca.pem"]


@pytest.mark.usefixtures("no_umask")
def test_every_file_is_created_closed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mode at creation counts: a later chmod would leave a moment in which anybody can open it."""
    created: list[tuple[int, int]] = []
    real_open = os.open

    def watched(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        descriptor = real_open(path, flags, mode, dir_fd=dir_fd)
        if flags & os.O_CREAT:
            created.append((flags, os.fstat(descriptor).st_mode & 0o777))
        return descriptor

    monkeypatch.setattr(os, "open", watched)
    Authority.open(folder, NAMES)
    assert [made for _, made in created] == [0o600, 0o644]
    assert all(flags & os.O_EXCL and flags & os.O_NOFOLLOW for flags, _ in created)


def test_the_next_start_loads_the_same_authority(folder: Path) -> None:
    first = Authority.open(folder, NAMES)
    again = Authority.open(folder, ["mail.example.com", "LOCALHOST."])
    assert again.certificate == first.certificate == read_certificate(folder / "ca.pem")
    assert again.names == ("mail.example.com", "localhost")
    assert permitted_names(first.certificate) == NAMES


def test_the_authority_has_the_profile_that_verifiers_want(folder: Path) -> None:
    extensions = Authority.open(folder, NAMES).certificate.extensions
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    fence = extensions.get_extension_for_class(x509.NameConstraints)
    assert basic.critical
    assert basic.value == x509.BasicConstraints(ca=True, path_length=0)
    assert fence.critical
    assert [str(one.value) for one in fence.value.permitted_subtrees or ()] == [
        "localhost",
        "127.0.0.1/32",
        "::1/128",
        "mail.example.com",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_programs_accept_each_configured_name(folder: Path, name: str) -> None:
    authority = Authority.open(folder, NAMES)
    assert verify_error(authority, authority.leaf(name), name) == ""
    assert verify_error(authority, authority.leaf(), name) == ""


@pytest.mark.parametrize("name", NAMES)
def test_the_openssl_command_accepts_each_configured_name(folder: Path, name: str, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl command")
    authority = Authority.open(folder, NAMES)
    leaf = tmp_path / "leaf.pem"
    leaf.write_bytes(authority.leaf(name).chain)
    kind = "-verify_hostname" if name[-1].isalpha() else "-verify_ip"
    done = subprocess.run(
        [
            openssl,
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            kind,
            name,
            "-CAfile",
            authority.path,
            leaf,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("configured", "outside"),
    [
        (NAMES, "bank.example"),
        (NAMES, "example.com"),
        (NAMES, "mail.example.com.evil.example"),
        (NAMES, "127.0.0.2"),
        (NAMES, "::2"),
        (("localhost",), "192.0.2.1"),
        (("localhost",), "2001:db8::1"),
        (("127.0.0.1",), "bank.example"),
        (("127.0.0.1",), "::1"),
        (("::1",), "localhost"),
    ],
)
def test_a_stolen_key_cannot_vouch_for_other_names(
    folder: Path, configured: tuple[str, ...], outside: str
) -> None:
    authority = Authority.open(folder, configured)
    error = verify_error(authority, stolen(folder, authority, outside), outside)
    assert error in ("permitted subtree violation", "excluded subtree violation")
    both = stolen(folder, authority, configured[0], outside)
    assert verify_error(authority, both, configured[0]) == error


@pytest.mark.parametrize("configured", [("localhost",), ("127.0.0.1",), ("::1",)])
def test_a_single_name_of_either_kind_works(folder: Path, configured: tuple[str, ...]) -> None:
    authority = Authority.open(folder, configured)
    assert verify_error(authority, authority.leaf(), configured[0]) == ""


def test_a_leaf_is_a_server_certificate_that_lives_199_days_at_most(folder: Path) -> None:
    authority = Authority.open(folder, NAMES)
    leaf = x509.load_pem_x509_certificate(authority.leaf("localhost").chain)
    # Both ends count: RFC 5280 §4.1.2.5.
    lives = leaf.not_valid_after_utc - leaf.not_valid_before_utc + timedelta(seconds=1)
    assert timedelta(days=190) < lives <= timedelta(days=199)
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]
    signer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    own = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert signer.key_identifier == own.digest
    other = x509.load_pem_x509_certificate(authority.leaf("127.0.0.1").chain)
    assert len({leaf.serial_number, other.serial_number, authority.certificate.serial_number}) == 3


def test_a_leaf_is_kept_until_30_days_before_its_end(folder: Path) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    authority = Authority.open(folder, NAMES, now=lambda: now)
    leaf = authority.leaf("localhost")
    now = leaf.not_after - timedelta(days=30)
    assert authority.leaf("localhost") is leaf
    now += timedelta(seconds=1)
    renewed = authority.leaf("localhost")
    assert renewed is not leaf
    assert renewed.not_after > leaf.not_after


def test_leaves_end_with_the_authority_and_it_says_so_before(folder: Path) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    authority = Authority.open(folder, NAMES, now=lambda: now)
    assert authority.warnings() == []
    end = authority.certificate.not_valid_after_utc
    for days in (29, 1, -1):
        now = end - timedelta(days=days)
        assert authority.leaf().not_after == end
        assert authority.leaf() is authority.leaf()
        assert "expires" in authority.warnings()[0]


def test_a_name_that_is_not_configured_has_no_leaf(folder: Path) -> None:
    with pytest.raises(KeyError):
        Authority.open(folder, NAMES).leaf("evil.example")


def test_no_secret_shows(folder: Path) -> None:
    authority = Authority.open(folder, NAMES)
    leaf = authority.leaf()
    assert "PRIVATE" not in repr(leaf)
    assert "PRIVATE" not in repr(authority)


def loosen(folder: Path) -> None:
    (folder / "ca-key.pem").chmod(0o644)


def group_read(folder: Path) -> None:
    (folder / "ca-key.pem").chmod(0o640)


def link(folder: Path) -> None:
    (folder / "ca-key.pem").rename(folder / "elsewhere.pem")
    (folder / "ca-key.pem").symlink_to("elsewhere.pem")


def link_certificate(folder: Path) -> None:
    (folder / "ca.pem").unlink()
    (folder / "ca.pem").symlink_to("/nonexistent")


def link_to_nothing(folder: Path) -> None:
    link_certificate(folder)
    (folder / "ca.pem").unlink()
    (folder / "ca-key.pem").unlink()
    (folder / "ca-key.pem").symlink_to("made-by-a-thief.pem")


def lose_key(folder: Path) -> None:
    (folder / "ca-key.pem").unlink()


def other_key(folder: Path) -> None:
    (folder / "ca-key.pem").write_bytes(key_to_pem(new_key()))


def broken_key(folder: Path) -> None:
    (folder / "ca-key.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n")


def broken_certificate(folder: Path) -> None:
    (folder / "ca.pem").write_bytes(b"half a cert")


def key_is_a_folder(folder: Path) -> None:
    (folder / "ca-key.pem").unlink()
    (folder / "ca-key.pem").mkdir()


def key_is_a_pipe(folder: Path) -> None:
    (folder / "ca-key.pem").unlink()
    os.mkfifo(folder / "ca-key.pem", 0o600)


def open_folder(folder: Path) -> None:
    folder.chmod(0o777)


def expire(folder: Path) -> None:
    key = new_key()
    (folder / "ca-key.pem").write_bytes(key_to_pem(key))
    (folder / "ca.pem").write_bytes(to_pem(new_authority(key, NAMES, datetime(2001, 1, 1, tzinfo=UTC))))


def postpone(folder: Path) -> None:
    key = new_key()
    later = datetime.now(UTC) + timedelta(days=9)
    (folder / "ca-key.pem").write_bytes(key_to_pem(key))
    (folder / "ca.pem").write_bytes(to_pem(new_authority(key, NAMES, later)))


@pytest.mark.parametrize(
    ("spoil", "file", "says"),
    [
        (loosen, "ca-key.pem", "chmod 600"),
        (group_read, "ca-key.pem", "chmod 600"),
        (link, "ca-key.pem", "symbolic link"),
        (link_to_nothing, "ca-key.pem", "symbolic link"),
        (link_certificate, "ca.pem", "symbolic link"),
        (lose_key, "ca-key.pem", "missing"),
        (other_key, "ca.pem", "does not belong"),
        (broken_key, "ca-key.pem", "not the key"),
        (broken_certificate, "ca.pem", "not a certificate"),
        (key_is_a_folder, "ca-key.pem", "no ordinary file"),
        (key_is_a_pipe, "ca-key.pem", "no ordinary file"),
        (open_folder, "", "chmod 700"),
        (expire, "ca.pem", "expired on 2010-"),
        (postpone, "ca.pem", "clock"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_cannot_be_trusted_is_refused(folder: Path, spoil, file: str, says: str) -> None:  # type: ignore[no-untyped-def]
    Authority.open(folder, NAMES)
    spoil(folder)
    before = {path.name for path in folder.iterdir()}
    with pytest.raises(TlsError) as caught:
        Authority.open(folder, NAMES)
    assert caught.value.file == folder / file
    assert says in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert {path.name for path in folder.iterdir()} == before


def test_another_users_key_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Authority.open(folder, NAMES)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(TlsError, match="another user"):
        Authority.open(folder, NAMES)


@pytest.mark.parametrize("name", ["new.example", "127.0.0.2", "2001:db8::1"])
def test_a_name_that_the_authority_does_not_permit_is_explained(folder: Path, name: str) -> None:
    Authority.open(folder, NAMES)
    with pytest.raises(TlsError) as caught:
        Authority.open(folder, [*NAMES, name])
    assert f"not for {name}" in caught.value.cause
    assert "remove ca.pem and ca-key.pem" in caught.value.next_step
    assert "trusted anew" in caught.value.next_step


@pytest.mark.parametrize("names", [[], [""], ["*.example.com"], ["a b"], ["-x"], ["a..b"], ["fe80::1%eth0"]])
def test_names_that_no_certificate_can_have_are_refused(folder: Path, names: list[str]) -> None:
    with pytest.raises(TlsError):
        Authority.open(folder, names)
    assert not folder.exists()


def test_names_have_one_spelling(folder: Path) -> None:
    names = ["LocalHost", "localhost.", "[::1]", "0:0:0:0:0:0:0:1", "bücher.example"]
    assert Authority.open(folder, names).names == ("localhost", "::1", "xn--bcher-kva.example")


def test_a_start_that_was_cut_off_after_the_key_is_completed(folder: Path) -> None:
    Authority.open(folder, NAMES)
    key = (folder / "ca-key.pem").read_bytes()
    (folder / "ca.pem").unlink()
    (folder / ".ca.pem.0123").write_bytes(b"half")
    authority = Authority.open(folder, NAMES)
    assert (folder / "ca-key.pem").read_bytes() == key
    assert verify_error(authority, authority.leaf(), "localhost") == ""


@pytest.mark.parametrize("failing", ["fsync", "link"])
def test_a_full_disk_leaves_nothing_half_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, failing, full)
        with pytest.raises(TlsError, match="no space left"):
            Authority.open(folder, NAMES)
    assert list(folder.iterdir()) == []
    Authority.open(folder, NAMES)


def _open_at_once(folder: Path, barrier, results) -> None:  # type: ignore[no-untyped-def]
    barrier.wait()
    authority = Authority.open(folder, NAMES)
    results.put((authority.certificate.serial_number, authority.leaf().chain != b""))


def test_processes_that_start_at_once_end_up_with_one_authority(folder: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(3, timeout=120), spawn.SimpleQueue()
    workers = [spawn.Process(target=_open_at_once, args=(folder, barrier, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len({results.get() for _ in workers}) == 1
