"""IMAP arguments by name: the grammar of RFC 9051 and its extensions, and nothing beside it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproxy.proto.imap_args import imap_fields
from mailproxy.proto.imap_verbs import VERBS
from mailproxy.proto.tokens import BadArguments, Command

Fields = dict[str, Any]


def fields(verb: str, args: str | bytes) -> Fields:
    octets = args.encode() if isinstance(args, str) else args
    return Command(verb, b"a " + verb.encode() + b" " + octets + b"\r\n", octets, parse=imap_fields).fields


def stored(operation: str, *flags: str, numbers: str = "1") -> Fields:
    return {"set": numbers, "operation": operation, "flags": list(flags), "labels": []}


@pytest.mark.parametrize(
    ("verb", "args", "found"),
    [
        ("SELECT", "INBOX", {"mailbox": "INBOX"}),
        ("SELECT", '"inBox"', {"mailbox": "INBOX"}),
        ("SELECT", "{5}\r\ninbox", {"mailbox": "INBOX"}),
        ("SELECT", "{5+}\r\na b(c (CONDSTORE)", {"mailbox": "a b(c"}),
        (
            "SELECT",
            "INBOX (QRESYNC (67890007 20050715194045000 41,43:211))",
            {"mailbox": "INBOX"},
        ),  # RFC 7162
        (
            "EXAMINE",
            "~peter/mail/&U,BTFw-/&ZeVnLIqe-",
            {"mailbox": "~peter/mail/台北/日本語"},
        ),  # RFC 3501 §5.1.3
        ("EXAMINE", '"Entwürfe"', {"mailbox": "Entwürfe"}),
        ("DELETE", '"a\\"b\\\\c"', {"mailbox": 'a"b\\c'}),
        ("DELETE", "blurdybloop]", {"mailbox": "blurdybloop]"}),
        ("DELETE", '""', {"mailbox": ""}),
        ("CREATE", "MySpecial (USE (\\Drafts \\Sent))", {"mailbox": "MySpecial"}),  # RFC 6154
        ("RENAME", "INBOX old-mail", {"mailbox": "INBOX", "target": "old-mail"}),  # RFC 9051 §6.3.6
        ("RENAME", '{3}\r\nfoo "&AFQAcgBhAHMAaA-"', {"mailbox": "foo", "target": "Trash"}),
        ("STATUS", "blurdybloop (UIDNEXT MESSAGES)", {"mailbox": "blurdybloop"}),
        ("SETACL", "INBOX.Drafts Byron +lrswikda", {"mailbox": "INBOX.Drafts"}),  # RFC 4314 §3.1
        ("DELETEACL", "INBOX Fred", {"mailbox": "INBOX"}),
        ("GETMETADATA", '"INBOX" (MAXSIZE 1024) (/shared/comment /private/comment)', {"mailbox": "INBOX"}),
        ("GETMETADATA", '(DEPTH 1) "INBOX" /private/comment', {"mailbox": "INBOX"}),
        (
            "SETMETADATA",
            'INBOX (/private/comment {3}\r\na"b /x NIL /y ~{2}\r\n\0()',
            {"mailbox": "INBOX"},
        ),
        ("UID EXPUNGE", "3000:3002", {"set": "3000:3002"}),
        ("FETCH", "2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])", {"set": "2:4"}),  # RFC 9051 §6.4.5
        ("UID FETCH", "1:* (FLAGS) (CHANGEDSINCE 12345 VANISHED)", {"set": "1:*"}),
        ("FETCH", "1 BODY.PEEK[1.MIME]<0.2048>", {"set": "1"}),
        ("FETCH", '1 (BODY.PEEK[HEADER.FIELDS ("To" {2}\r\nA )]<0.5> UID)', {"set": "1"}),
        ("COPY", "2:4 MEETING", {"set": "2:4", "target": "MEETING"}),
        ("COPY", '1 "[Gmail]/Trash"', {"set": "1", "target": "[Gmail]/Trash"}),
        ("UID MOVE", '$ "x"', {"set": "$", "target": "x"}),
        ("SEARCH", 'RETURN (MIN COUNT) OR (FLAGGED) SUBJECT "{9+}"', {}),
        ("SEARCH", "CHARSET UTF-8 TEXT {6}\r\nFriend", {}),
        ("THREAD", "ORDEREDSUBJECT UTF-8 SINCE 5-MAR-2000", {}),
        ("LIST", '(SUBSCRIBED) "" ("INBOX" "a/%") RETURN (STATUS (MESSAGES))', {}),
        ("LIST", '"" *', {}),
        ("ID", '("name" "sodr" "vendor" NIL)', {}),
        ("NOTIFY", "SET (selected (MessageNew (UID) MessageExpunge)) (subtree Lists (MessageNew))", {}),
        ("NOOP", "", {}),
        ("EXPUNGE", "", {}),
        ("LOGIN", "SMITH SESAME", {}),
    ],
)
def test_fields(verb: str, args: str, found: Fields) -> None:
    assert fields(verb, args) == found


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ("2:4 +FLAGS (\\Deleted)", stored("+", "\\Deleted", numbers="2:4")),  # RFC 9051 §6.4.6
        ("1 +FLAGS.SILENT \\deleted", stored("+", "\\Deleted")),
        ("1 FLAGS (\\Seen \\DELETED)", stored("", "\\Seen", "\\Deleted")),
        ("1 -flags.silent \\seen $Forwarded NonJunk", stored("-", "\\Seen", "$Forwarded", "NonJunk")),
        ("$ +flags (\\Deleted)", stored("+", "\\Deleted", numbers="$")),
        ("1 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Deleted)", stored("+", "\\Deleted")),  # RFC 7162
        ("1 FLAGS ()", stored("")),
        ("1 +FLAGS \\X-Own", stored("+", "\\X-Own")),
        ('1 ANNOTATION (/comment (value.priv "My new comment"))', stored("")),  # RFC 5257 §4.3
        (
            '1 +X-GM-LABELS (\\Trash foo "b c" {1}\r\nd &AOk-)',
            {**stored("+"), "labels": ["\\Trash", "foo", "b c", "d", "é"]},
        ),
        ("1 -X-GM-LABELS.SILENT \\inbox", {**stored("-"), "labels": ["\\inbox"]}),
    ],
)
def test_store(args: str, found: Fields) -> None:
    assert fields("STORE", args) == fields("UID STORE", args) == found


@pytest.mark.parametrize(
    ("args", "flags", "size"),
    [
        ("saved-messages (\\Seen) {3}\r\nabc", ["\\Seen"], 3),
        ("saved-messages (\\Seen) {326}", ["\\Seen"], 326),  # the octets are still to come
        ("saved-messages (\\Seen) {326}\r\n", ["\\Seen"], 326),
        ('saved-messages (\\seen $x) " 7-Feb-1994 21:52:25 -0800" {326+}\r\n', ["\\Seen", "$x"], 326),
        ("x {0}", [], 0),
        ("x ~{2}\r\n\0\0", [], 2),
        ("x UTF8 (~{5+}\r\nhello)", [], 5),  # RFC 9755 §4
        ("x UTF8 (~{5}", [], 5),
        ("x (\\Seen) {1}\r\na (\\Draft) {2}\r\nbc", ["\\Seen", "\\Draft"], 3),  # RFC 3502
        ("x {1}\r\na {9}", [], 10),
        # RFC 4469 §5
        (
            'x (\\Seen) CATENATE (TEXT {4}\r\na)"b URL "/Drafts;UIDVALIDITY=38505/;UID=20" TEXT {2}\r\nxx)',
            ["\\Seen"],
            6,
        ),
        ("x CATENATE (TEXT {4}", [], 4),
        ('x "17-Jul-1996 02:44:25 -0700" ANNOTATION (/comment (value.priv "a")) {3}', [], 3),
    ],
)
def test_append_and_replace(args: str, flags: list[str], size: int) -> None:
    box = args.split()[0]
    assert fields("APPEND", args) == {"mailbox": box, "flags": flags, "size": size}
    for verb in ("REPLACE", "UID REPLACE"):
        assert fields(verb, "4 " + args) == {"set": "4", "target": box, "flags": flags, "size": size}


@pytest.mark.parametrize(("verb", "args"), [("APPEND", "{5}"), ("REPLACE", "4 {5+}\r\n")])
def test_no_field_while_the_mailbox_is_still_to_come(verb: str, args: str) -> None:
    assert fields(verb, args) == {}


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        # a flag is never a string
        ("STORE", "1 +FLAGS {8+}\r\n\\Deleted"),
        ("STORE", "1 +FLAGS ({8}\r\n\\Deleted)"),
        ("STORE", '1 +FLAGS "\\\\Deleted"'),
        ("APPEND", 'x ("\\\\Seen") {1}'),
        # blanks where the grammar has none
        ("STORE", "1  +FLAGS (\\Deleted)"),
        ("STORE", "1 +FLAGS\t(\\Deleted)"),
        ("STORE", "1 +FLAGS ( \\Deleted)"),
        ("STORE", "1 +FLAGS (\\Deleted )"),
        ("STORE", "1 +FLAGS (\\Seen  \\Deleted)"),
        ("STORE", "1 +FLAGS (\\Deleted) "),
        ("STORE", " 1 +FLAGS (\\Deleted)"),
        ("SELECT", "INBOX "),
        ("SELECT", "INBOX\t"),
        ("SEARCH", "ALL  SEEN"),
        ("SEARCH", "( ALL)"),
        ("SEARCH", "(ALL )"),
        ("SEARCH", "ALL "),
        ("SEARCH", ""),
        # parts that are missing, doubled or something else
        ("STORE", "1 +FLAGS"),
        ("STORE", "1 +FLAGS "),
        ("STORE", "1 +FLAG (\\Deleted)"),
        ("STORE", "1 +FLAGS.SILENTLY (\\Deleted)"),
        ("STORE", "1 + FLAGS (\\Deleted)"),
        ("STORE", "1 +FLAGS (\\Seen) +FLAGS (\\Deleted)"),
        ("STORE", "1 +FLAGS (\\Seen) \\Deleted"),
        ("STORE", "1 +FLAGS ((\\Deleted))"),
        ("STORE", "1 +FLAGS (\\*)"),
        ("STORE", "1 (UNCHANGEDSINCE 5 +FLAGS (\\Deleted)"),
        ("STORE", "1 UNCHANGEDSINCE 5 +FLAGS (\\Deleted)"),
        ("EXPUNGE", "1"),
        ("CLOSE", " "),
        ("SELECT", "INBOX CONDSTORE"),
        ("SELECT", "INBOX (CONDSTORE"),
        ("SELECT", "INBOX (CONDSTORE))"),
        ("DELETE", ""),
        ("DELETE", "a b"),
        ("DELETE", "caf\xe9"),
        ("DELETE", "a%"),
        ("DELETE", '"a'),
        ("DELETE", '"a"b'),
        ("DELETE", 'a"b"'),
        ("DELETE", '"a\\b"'),
        ("DELETE", '"a\r\nb"'),
        ("DELETE", "(a)"),
        ("DELETE", "{5}"),
        ("DELETE", "{5}\r\nabc"),
        ("DELETE", "{3}\r\nabcb EXPUNGE"),
        ("DELETE", "{3}abc"),
        ("DELETE", "{x}\r\nabc"),
        ("DELETE", "~{3}\r\nabc"),
        ("DELETE", "{3}\r\na\0c"),
        ("DELETE", "{99999999999999999999}\r\n"),
        ("APPEND", "x {3+}\r\nabcb EXPUNGE"),
        ("APPEND", "x"),
        ("APPEND", "x {3}\r\nab"),
        ("APPEND", "x {3}\r\nabc "),
        ("APPEND", "x CATENATE ()"),
        ("APPEND", "x CATENATE (TEXT {1}\r\na"),
        ("APPEND", "x UTF8 {1}\r\na"),
        ("APPEND", "x FOO ({1}\r\na)"),
        ("COPY", "1"),
        ("MOVE", "1 a b"),
        # sets
        *(
            ("UID EXPUNGE", numbers)
            for numbers in ("", "0", "01", "1:", ":1", "1,", "1,,2", "a", "$,1", "1:2:3", "-1")
        ),
        ("UID EXPUNGE", "12345678901"),
        # controls
        ("NOOP", "\x00b EXPUNGE"),
        ("SEARCH", "ALL\rb"),
        ("SEARCH", "ALL\x7f"),
        ("SEARCH", 'SUBJECT "a'),
        ("SEARCH", 'SUBJECT "{9+}'),
        ("SEARCH", 'A"b"'),
        ("SEARCH", "A(b)"),
        ("SEARCH", "(a)(b)"),
        ("SEARCH", "TEXT {19+}"),
        ("NAMESPACE", "("),
        ("LIST", '"" a)'),
        ("LIST", "(" * 17 + "a" + ")" * 17),
        ("LOGIN", "u p q"),
        ("SETMETADATA", "INBOX (/a"),
        ("CREATE", "a (USE (\\Sent"),
    ],
)
def test_what_the_grammar_does_not_allow(verb: str, args: str) -> None:
    with pytest.raises(BadArguments) as caught:
        fields(verb, args.encode("latin-1"))
    assert "Deleted" not in str(caught.value)


def test_sixteen_parentheses_are_deep_enough() -> None:
    assert fields("LIST", "(" * 16 + "a" + ")" * 16) == {}


_PARTS = st.lists(
    st.sampled_from(
        [
            *(
                " ",
                "(",
                ")",
                '"',
                "\\",
                "[",
                "]",
                "{",
                "}",
                "*",
                "$",
                "1",
                "1:*",
                "a",
                "INBOX",
                "\\Deleted",
                "\\seen",
            ),
            *(
                "+FLAGS",
                "FLAGS.SILENT",
                "X-GM-LABELS",
                '"a b"',
                '"\\""',
                "{1}\r\nx",
                "{3+}\r\n",
                "~{2}\r\n\0\n",
                "{5}",
            ),
            *(
                "&AOk-",
                "UTF8 (",
                "CATENATE (",
                "TEXT ",
                "URL ",
                "(UNCHANGEDSINCE 1)",
                "ANNOTATION ",
                "\xe9",
                "\r",
                "\n",
            ),
        ]
    ),
    max_size=16,
)
_ARGS = st.one_of(
    st.binary(max_size=60),
    _PARTS.map(lambda parts: "".join(parts).encode("latin-1")),
    _PARTS.map(lambda parts: " ".join(part for part in parts if part != " ").encode("latin-1")),
)


@given(verb=st.sampled_from(sorted(VERBS)), args=_ARGS)
def test_any_octets_give_fields_or_bad_arguments(verb: str, args: bytes) -> None:
    try:
        found = fields(verb, args)
    except BadArguments:
        return
    spec = set(VERBS[verb].fields)
    assert set(found) <= spec | {"operation", "flags", "size"}
    for value in found.values():
        "".join(map(str, value if isinstance(value, list) else [value])).encode()


def _quoted(name: str) -> bytes:
    return b'"' + name.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def _literal(name: str) -> bytes:
    return b"{%d+}\r\n%s" % (len(name.encode()), name.encode())


_NAMES = st.text(st.characters(exclude_characters="\0\r\n&", exclude_categories=["Cs"]), max_size=20)
_FLAGS = st.lists(st.sampled_from(["\\Deleted", "\\Seen", "$Junk", "Work", "\\Own"]), max_size=4)


@given(name=_NAMES, source=st.sampled_from([_quoted, _literal]), target=st.sampled_from([_quoted, _literal]))
def test_names_come_back_from_every_form(name: str, source: Any, target: Any) -> None:
    wanted = "INBOX" if name.upper() == "INBOX" else name
    assert fields("RENAME", source(name) + b" " + target(name)) == {"mailbox": wanted, "target": wanted}
    assert fields("SELECT", source(name) + b" (CONDSTORE)")["mailbox"] == wanted


@given(
    numbers=st.from_regex(
        r"\$|[1-9]\d{0,3}(:(\*|[1-9]\d{0,3}))?(,[1-9]\d{0,3})?", fullmatch=True, alphabet="0123456789$:*,"
    ),
    operation=st.sampled_from(["", "+", "-"]),
    silent=st.sampled_from(["", ".SILENT", ".silent"]),
    modifier=st.sampled_from(["", "(UNCHANGEDSINCE 12121230045) "]),
    flags=_FLAGS,
    lower=st.booleans(),
)
def test_store_comes_back(
    numbers: str, operation: str, silent: str, modifier: str, flags: list[str], lower: bool
) -> None:
    listed = " ".join(flag.lower() if lower and flag in ("\\Deleted", "\\Seen") else flag for flag in flags)
    args = f"{numbers} {modifier}{operation}FLAGS{silent} ({listed})"
    assert fields("STORE", args) == stored(operation, *flags, numbers=numbers)


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("UID EXPUNGE", b"1," * 100_000 + b"1"),
        ("UID STORE", b"1:4294967295 +FLAGS (" + b"\\Deleted " * 30_000 + b"x)"),
        ("SEARCH", b"TEXT {1}\r\nx " * 10_000 + b"ALL"),
        ("DELETE", b'"' + b"\\\\" * 100_000 + b'"'),
        ("DELETE", b"&" * 200_000),
        ("DELETE", b"&" + b"A" * 200_000),
        ("APPEND", b"x" + b" {1}\r\nx" * 10_000),
        ("LIST", b"() " * 30_000 + b"x"),
    ],
)
def test_long_arguments_are_read_once(verb: str, args: bytes) -> None:
    fields(verb, args)


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("NOOP", b"(" * 100_000),
        ("LIST", b"(" * 100_000),
        ("DELETE", b'"' + b'\\"' * 100_000),
        ("SEARCH", b'"' + b'\\"' * 100_000),
        ("UID EXPUNGE", b"1," * 100_000),
        ("APPEND", b"x " + b"ANNOTATION a " * 20_000),
        ("APPEND", b"x CATENATE (" * 20_000),
        ("DELETE", b"{" * 100_000),
    ],
)
def test_hostile_lengths_end_at_once(verb: str, args: bytes) -> None:
    with pytest.raises(BadArguments):
        fields(verb, args)
