"""From a file to a Config: what a file may leave out, and files that cannot be read at all.

``tests/test_config.py`` has what a whole file may say, and every way in which it can be wrong.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproxy.config import loading
from mailproxy.config.errors import ConfigError
from mailproxy.config.loading import default_state, examine, load
from mailproxy.config.model import Limits, Log, Rules, Tls

SMALL = """\
state = "s"
[upstream.main]
host = "127.0.0.1"
smtp = { port = 587, tls = "starttls" }
[[listener]]
protocol = "smtp"
address = "127.0.0.1:1587"
tls = "starttls"
upstream = "main"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mailproxy.toml"
    path.write_text(SMALL)
    return path


def test_what_the_file_leaves_out(file: Path) -> None:
    config = load(file)
    assert (config.workers, config.log, config.tls, config.rules) == (1, Log(), Tls(), Rules())
    assert config.limits == Limits()
    (listener,) = config.listener
    assert (listener.name, listener.mode, listener.require_tls) == ("smtp@127.0.0.1:1587", "guard", True)
    assert listener.address == ("127.0.0.1:1587",)
    upstream = config.upstream["main"]
    assert (upstream.ca_file, upstream.allow_plaintext) == (None, False)
    assert [upstream.endpoint(protocol) is not None for protocol in ("smtp", "imap", "x")] == [
        True,
        False,
        False,
    ]


def test_limits_by_default() -> None:
    limits = Limits()
    idle = [limits.idle_seconds(protocol) for protocol in ("pop3", "imap", "smtp")]
    assert idle == [600, 1860, 300], "not shorter than the protocols allow"
    assert (limits.errors, limits.line_octets, limits.literal_octets) == (20, 65536, 65536)


def test_paths_begin_at_the_folder_of_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SMALL + '[log]\nfile = "m.log"\n[rules]\nfiles = ["*.toml", "/r/*"]\n')
    monkeypatch.chdir(file.parent)
    config = load(Path(file.name))
    assert config.state == file.parent / "s"
    assert config.log.file == str(file.parent / "m.log")
    assert config.store.url == f"sqlite:///{file.parent}/s/mailproxy.db"
    assert config.rules.files == (str(file.parent / "*.toml"), "/r/*")


def test_what_is_said_stays(file: Path) -> None:
    url = "postgresql://u:p@h/d"
    more = f'name = "out"\nrequire_tls = false\n[log]\nfile = "-"\n[store]\nurl = "{url}"\n'
    file.write_text(SMALL + more)
    config = load(file)
    assert (config.listener[0].name, config.listener[0].require_tls) == ("out", False)
    assert (config.log.file, config.store.url) == ("-", url)


def test_problems_are_in_the_order_of_their_lines(file: Path) -> None:
    file.write_text("last = 1\nworkers = -1\n" + SMALL.replace("587,", "0,"))
    config, problems = examine(file)
    assert config is None
    assert [(problem.line, problem.key) for problem in problems] == [
        *((1, "last"), (2, "workers"), (6, "upstream.main.smtp.port"))
    ]
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert caught.value.key == "last"
    assert [problem.key for problem in caught.value.others] == ["workers", "upstream.main.smtp.port"]


@pytest.mark.parametrize(
    ("octets", "line", "cause"),
    [
        (b"\xef\xbb\xbfa = 1\n", 1, "byte order mark"),
        (b"a = 1\n# \xfc\n", 2, "not UTF-8"),
        (b"a = 1\nb = \n", 2, "not TOML: Invalid value"),
        (b"a = 1\nb = '''", 2, "not TOML"),
        (b"a = " + b"9" * 5000, 0, "beyond all measure"),
        (b"a = " + b"[" * 5000, 0, "beyond all measure"),
        (b"", 0, "there is no [[listener]]"),
        (b"listener = 5", 1, "5 is not a list of tables"),
        (b"listener = [5]", 1, "5 stands where a table is expected"),
        (b"[listener]\n", 1, "a listener is one of a list"),
        (b"store = 5\n", 1, "this is not a table"),
    ],
)
def test_files_that_are_wrong_as_a_whole(file: Path, octets: bytes, line: int, cause: str) -> None:
    file.write_bytes(octets)
    config, problems = examine(file)
    assert config is None
    assert (problems[0].file, problems[0].line) == (file, line)
    assert cause in problems[0].cause


def test_a_file_that_is_too_long(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "LARGEST_FILE", len(SMALL))
    load(file)
    file.write_text(SMALL + "#")
    with pytest.raises(ConfigError, match=f"longer than {len(SMALL)} octets"):
        load(file)


def test_files_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="it cannot be read: Is a directory"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="it cannot be read: embedded null"):
        load(tmp_path / "a\0b")

    def denied(*args: object) -> None:
        raise PermissionError

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(ConfigError, match="it may not be read"):
        load(tmp_path / "x.toml")


def test_the_state_folder_by_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(SMALL.partition("\n")[2])
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    assert load(file).state == default_state({"XDG_STATE_HOME": "/s"}) == Path("/s/mailproxy")
    monkeypatch.setenv("HOME", "/home/user")
    assert default_state({"XDG_STATE_HOME": "s"}) == Path("/home/user/.local/state/mailproxy")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_state({"XDG_STATE_HOME": "/s"}) == Path("/var/lib/mailproxy")
