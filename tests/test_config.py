"""mailproxy.config: what a file may say, and what is said about a file that is wrong."""

from __future__ import annotations

import glob
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailproxy.config import Config, ConfigError, examine, load
from mailproxy.config.loading import default_state

SMALL = """\
[upstream.main]
host = "127.0.0.1"
imap = { port = 993, tls = "implicit" }

[[listener]]
protocol = "imap"
address  = "127.0.0.1:1993"
tls      = "implicit"
upstream = "main"
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        file = tmp_path / "mailproxy.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def test_defaults(write, tmp_path):
    config = load(write(SMALL))
    assert config.workers == 1
    assert (config.log.file, config.log.level) == ("-", "info")
    assert config.tls.certificate is None
    assert config.tls.names == ("localhost", "127.0.0.1", "::1")
    assert config.rules.files == ()
    assert config.state.is_absolute()
    assert config.store.url == f"sqlite:///{config.state}/mailproxy.db"
    listener = config.listener[0]
    assert listener.name == "imap@127.0.0.1:1993"
    assert listener.address == ("127.0.0.1:1993",)
    assert listener.mode == "guard"
    assert listener.require_tls is False
    assert config.upstream["main"].endpoint("imap").port == 993
    assert config.upstream["main"].endpoint("smtp") is None
    assert config.limits.idle_seconds("imap") == 1860


def test_everything(write, tmp_path):
    for name in ("cert.pem", "key.pem", "ca.pem"):
        (tmp_path / name).write_text("")
    config = load(
        write(
            """
            workers = 0
            state = "state"
            [log]
            file = "mailproxy.log"
            level = "debug"
            [store]
            url = "sqlite:///s/m.db"
            [tls]
            certificate = "cert.pem"
            key = "key.pem"
            names = ["mail.example.org", "::1", "imap.example.org"]
            keylog = "/var/tmp/keys"
            [rules]
            files = ["rules/*.toml"]
            [upstream.main]
            host = "mail.example.org"
            ca_file = "ca.pem"
            allow_plaintext = true
            imap = { port = 143, tls = "none" }
            pop3 = { port = 995, tls = "implicit" }
            smtp = { port = 587, tls = "starttls" }
            [[listener]]
            protocol = "smtp"
            address = ["127.0.0.1:1587", "[::1]:1587"]
            tls = "starttls"
            upstream = "main"
            mode = "observe"
            name = "submission"
            [[listener]]
            protocol = "pop3"
            address = "127.0.0.1:0"
            tls = "none"
            upstream = "main"
            [limits]
            sessions = 5
            command_seconds = 2.5
            """
        )
    )
    assert config.workers == 0
    assert config.state == tmp_path / "state"
    assert config.log.file == str(tmp_path / "mailproxy.log")
    assert config.store.url == f"sqlite:///{tmp_path}/s/m.db"
    assert config.tls.certificate == tmp_path / "cert.pem"
    assert config.tls.keylog == Path("/var/tmp/keys")
    assert config.rules.files == (str(tmp_path / "rules/*.toml"),)
    assert config.upstream["main"].ca_file == tmp_path / "ca.pem"
    assert config.listener[0].require_tls is True
    assert config.listener[0].name == "submission"
    assert config.limits.command_seconds == 2.5


UPSTREAM = SMALL[: SMALL.index("[[")]
LISTENER = SMALL[SMALL.index("[[") :]

WRONG = {
    # what: (text, line, key, words of the cause, words of the hint)
    "unknown section": (SMALL + "[limit]\n", 10, "limit", "no such key", '"limits"'),
    "unknown key": (SMALL + "adress = 1\n", 10, "listener[0].adress", "no such key", '"address"'),
    "unknown key in an inline table": (
        SMALL.replace("port = 993,", "port = 993, prot = 1,"),
        3,
        "upstream.main.imap.prot",
        "no such key",
        '"port"',
    ),
    "quoted number": (
        SMALL.replace("993,", '"993",'),
        3,
        "upstream.main.imap.port",
        '"993" is not a whole number from 1 to 65535',
        "without quotes",
    ),
    "port too large": (SMALL.replace("993,", "65536,"), 3, "upstream.main.imap.port", "65536 is not", ""),
    "no such word": (SMALL + 'mode = "gaurd"\n', 10, "listener[0].mode", '"guard", "observe"', '"guard"'),
    "boolean as number": ("workers = true\n" + SMALL, 1, "workers", "true is not a whole number", ""),
    "table as text": ("log = 5\n" + SMALL, 1, "log", "5 stands where a table is expected", "[log]"),
    "text as list": (SMALL + '[tls]\nnames = "a"\n', 11, "tls.names", "list of texts", "brackets"),
    "missing key": (
        SMALL.replace('tls      = "implicit"\n', ""),
        5,
        "listener[0]",
        '"tls" is missing',
        "one of",
    ),
    "missing host": (SMALL.replace('host = "127.0.0.1"\n', ""), 1, "upstream.main", '"host" is missing', ""),
    "no listener": (UPSTREAM, 0, "listener", "nothing would be served", ""),
    "one bracket": (
        SMALL.replace("[[listener]]", "[listener]"),
        5,
        "listener",
        "one of a list",
        "two brackets",
    ),
    "no upstream": (LISTENER, 5, "listener[0].upstream", "no [upstream.main]", "Add it"),
    "unknown upstream": (
        SMALL.replace('= "main"', '= "mian"'),
        9,
        "listener[0].upstream",
        "no [upstream.mian]",
        '"main"',
    ),
    "no endpoint for the protocol": (
        SMALL.replace('protocol = "imap"', 'protocol = "pop3"'),
        9,
        "listener[0].upstream",
        'upstream "main" has no pop3',
        "Add pop3 =",
    ),
    "upstream without endpoints": (
        SMALL + '[upstream.b]\nhost = "b.example.org"\n',
        10,
        "upstream.b",
        "no imap, no pop3 and no smtp",
        "",
    ),
    "clear text to another host": (
        SMALL.replace('tls = "implicit" }', 'tls = "none" }').replace("127.0.0.1", "mail.example.org", 1),
        3,
        "upstream.main.imap.tls",
        "in clear",
        "allow_plaintext",
    ),
    "host with port": (
        SMALL.replace('host = "127.0.0.1', 'host = "a.org:993'),
        2,
        "upstream.main.host",
        "port",
        "",
    ),
    "host in brackets": (
        SMALL.replace('"127.0.0.1"', '"[::1]"'),
        2,
        "upstream.main.host",
        "without brackets",
        "",
    ),
    "host as URL": (SMALL.replace('"127.0.0.1"', '"imaps://a/"'), 2, "upstream.main.host", "URL", ""),
    "host not ASCII": (SMALL.replace('"127.0.0.1"', '"müller.de"'), 2, "upstream.main.host", "xn--", ""),
    "host empty": (SMALL.replace('"127.0.0.1"', '""'), 2, "upstream.main.host", "not empty", ""),
    "no port": (SMALL.replace(":1993", ""), 7, "listener[0].address", "no port", "127.0.0.1:1993"),
    "bare port": (SMALL.replace("127.0.0.1:1993", ":1993"), 7, "listener[0].address", "on which address", ""),
    "port beyond": (SMALL.replace(":1993", ":65536"), 7, "listener[0].address", "65535", ""),
    "IPv6 without brackets": (SMALL.replace("127.0.0.1:", "::1:"), 7, "listener[0].address", "port", "[::1]"),
    "no address": (SMALL.replace('"127.0.0.1:1993"', "[]"), 7, "listener[0].address", "no address", ""),
    "same address twice": (
        SMALL + LISTENER.replace('"127.0.0.1:1993"', '["[::1]:1993", "127.0.0.1:01993"]'),
        12,
        "listener[1].address",
        "taken by imap@127.0.0.1:1993",
        "another port",
    ),
    "same name twice": (
        SMALL + 'name = "a"\n' + LISTENER.replace("1993", "1994") + 'name = "a"\n',
        16,
        "listener[1].name",
        "same name",
        "",
    ),
    "name with blanks": (SMALL + 'name = "a b"\n', 10, "listener[0].name", "visible ASCII", ""),
    "TLS demanded but not offered": (
        SMALL.replace('tls      = "implicit"', 'tls = "none"\nrequire_tls = true'),
        9,
        "listener[0].require_tls",
        "nobody could ever log in",
        "",
    ),
    "certificate without key": (
        SMALL + '[tls]\ncertificate = "mailproxy.toml"\n',
        11,
        "tls.certificate",
        'without "key"',
        "",
    ),
    "key without certificate": (SMALL + '[tls]\nkey = "mailproxy.toml"\n', 11, "tls.key", "without", ""),
    "file not there": (
        SMALL + '[tls]\ncertificate = "c"\nkey = "mailproxy.toml"\n',
        11,
        "tls.certificate",
        "not exist",
        "folder",
    ),
    "file is a folder": (
        SMALL.replace("[[", 'ca_file = "."\n[[', 1),
        5,
        "upstream.main.ca_file",
        "is a folder",
        "",
    ),
    "no rule file": (SMALL + '[rules]\nfiles = [\n"a*",\n"b.toml"]\n', 13, "rules.files[1]", "not exist", ""),
    "no names": (SMALL + "[tls]\nnames = []\n", 11, "tls.names", "no name", ""),
    "bad name": (SMALL + '[tls]\nnames = ["a b"]\n', 11, "tls.names[0]", '"a b"', ""),
    "idle below the RFC": (
        SMALL + "[limits]\npop3_idle_seconds = 599\n",
        11,
        "limits.pop3_idle_seconds",
        "from 600",
        "",
    ),
    "not a number": (SMALL + "[limits]\nlogin_seconds = nan\n", 11, "limits.login_seconds", "nan", ""),
    "empty path": (SMALL + '[log]\nfile = ""\n', 11, "log.file", "not empty", ""),
    "NUL in a path": ('state = "a\\u0000b"\n' + SMALL, 1, "state", "a path", ""),
    "store without a URL": (SMALL + '[store]\nurl = ""\n', 11, "store.url", "not empty", ""),
    "store of another kind": (
        SMALL + '[store]\nurl = "mysql://u:hush@h/d"\n',
        11,
        "store.url",
        "no URL of a store",
        "sqlite:///FILE",
    ),
    "store in a folder's place": (
        SMALL + '[store]\nurl = "sqlite:///."\n',
        11,
        "store.url",
        "is a folder",
        "Name the file",
    ),
    "store as text": (
        'store = "postgresql://u:hush@h/d"\n' + SMALL,
        1,
        "store",
        "this is not a table",
        "Write [store]",
    ),
    "captures that never fit": (
        SMALL + "[capture]\ntotal_octets = 70000\n",
        11,
        "capture.total_octets",
        "one file of file_octets would be more",
        "Raise it",
    ),
    "not TOML": (SMALL + "= 1\n", 10, "", "not TOML", "toml.io"),
    "TOML that stops": (SMALL + 'a = """', 10, "", "not TOML", ""),
    "key twice": (SMALL + 'upstream = "b"\n', 10, "", "not TOML", ""),
    "deep nesting": (SMALL + "a = " + "[" * 5000, 0, "", "beyond all measure", ""),
    "huge number": (SMALL + "a = " + "9" * 5000, 0, "", "beyond all measure", ""),
    "byte order mark": (b"\xef\xbb\xbf" + SMALL.encode(), 1, "", "byte order mark", "UTF-8"),
    "UTF-16": (SMALL.encode("utf-16"), 1, "", "byte order mark", ""),
    "Latin-1": (SMALL.encode() + b'# "\xfc"\n', 10, "", "not UTF-8", ""),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(case, write):
    text, line, key, cause, hint = WRONG[case]
    file = write(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    error = caught.value
    assert (error.file, error.line, error.key) == (file, line, key)
    assert cause in error.cause
    assert hint in error.hint
    assert str(error).startswith(f"{file}:{line}: " if line else f"{file}: ")
    assert str(error).isprintable()
    assert "hush" not in str(error)
    assert error.others == ()


def test_no_file(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="it cannot be read"):
        load(tmp_path)


def test_every_problem_is_said_in_order(write):
    config, problems = examine(write("workers = -1\n" + SMALL.replace("993,", "0,") + "foo = 1\nbar = 2\n"))
    assert config is None
    assert [(error.line, error.key) for error in problems] == [
        (1, "workers"),
        (4, "upstream.main.imap.port"),
        (11, "listener[0].foo"),
        (12, "listener[0].bar"),
    ]
    with pytest.raises(ConfigError) as caught:
        load(write("workers = -1\nx = 1\n" + SMALL))
    assert [error.key for error in caught.value.others] == ["x"]


def test_messages_cannot_command_a_terminal(write):
    with pytest.raises(ConfigError) as caught:
        load(write(SMALL + '"\\u001b[2J\\u009b" = 1\n[upstream."\\u202e"]\nhost="\\u001b"\n'))
    for error in (caught.value, *caught.value.others):
        assert str(error).isprintable()


def test_loopback_needs_no_tls(write):
    for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"):
        text = SMALL.replace("127.0.0.1", host, 1).replace('tls = "implicit" }', 'tls = "none" }')
        assert load(write(text)).upstream["main"].host == host


def test_default_state_of_a_user(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/user")
    assert default_state({"XDG_STATE_HOME": "/s"}) == Path("/s/mailproxy")
    assert default_state({"XDG_STATE_HOME": "s"}) == Path("/home/user/.local/state/mailproxy")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_state({"XDG_STATE_HOME": "/s"}) == Path("/var/lib/mailproxy")


def test_a_folder_whose_name_is_a_pattern(tmp_path):
    folder = tmp_path / "a[b]*"
    folder.mkdir()
    (folder / "m.toml").write_text(SMALL + '[rules]\nfiles = ["*.toml"]\n')
    assert glob.glob(load(folder / "m.toml").rules.files[0]) == [str(folder / "m.toml")]


words = st.sampled_from(
    "workers state log file level tls certificate key names rules files upstream main host imap port "
    "listener protocol address mode name require_tls limits sessions store url "
    "sqlite:///x postgresql://a:b@c/d implicit guard".split()
)
values = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9) | words,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def config_or_error(file: Path) -> None:
    config, problems = examine(file)
    assert isinstance(config, Config) == (not problems)
    for problem in problems:
        assert str(problem).isprintable()


quick = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(st.dictionaries(words, values, max_size=5))
def test_any_toml(write, raw):
    config_or_error(write("".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in raw.items())))


@quick
@given(st.binary() | st.text().map(lambda text: text.encode(errors="replace")))
@example(b"\x00")
def test_any_octets(write, octets):
    config_or_error(write(octets))


@quick
@given(st.data())
def test_any_value_in_any_place(write, data):
    keys = {"host": '"127.0.0.1"', "port": "993,", "protocol": '"imap"', "address": '"127.0.0.1:1993"'}
    key = data.draw(st.sampled_from(sorted(keys)))
    ending = "," if keys[key].endswith(",") else ""
    config_or_error(write(SMALL.replace(keys[key], toml(data.draw(values)) + ending)))
