"""An mbox of what passed, read again by the library's own reader."""

from __future__ import annotations

import mailbox
from contextlib import closing
from pathlib import Path

from mailproxy.capture.eml_files import messages_in
from mailproxy.capture.mbox_file import write_mbox
from tests.capture.talks import Talk, overlapping

TEXT = """
S: +OK
C: RETR 1
S: +OK
S: Subject: {0}
S:
S: From nobody
S: .
C: RETR 2
S: +OK
S: Subject: cut
"""


def test_conversations_do_not_mix(tmp_path: Path) -> None:
    talks = [Talk("pop3", TEXT.format(name), number=number) for number, name in enumerate("abc", 1)]
    made = bytearray()
    written = list(write_mbox(messages_in(overlapping(*talks)), made.extend))
    path = tmp_path / "mbox"
    path.write_bytes(made)
    with closing(mailbox.mbox(path)) as read:
        assert sorted(message["Subject"] for message in read) == ["a", "b", "c"]
        assert {message.get_payload() for message in read} == {">From nobody\n"}
    assert sorted((one.conversation.number, one.message.id, one.file) for one in written) == [
        (1, "1", "mbox"),
        (1, "2", ""),
        (2, "1", "mbox"),
        (2, "2", ""),
        (3, "1", "mbox"),
        (3, "2", ""),
    ]
