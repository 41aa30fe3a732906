"""Messages whose shapes programs that relay mail get wrong; all with LF line ends, as a Maildir has them."""

from __future__ import annotations

HEAD = """\
From: Sender <sender@example.test>
To: Reader <reader@example.test>
Date: Mon, 05 Jan 2026 10:00:00 +0000
Message-ID: <{name}@example.test>
Subject: {name}

"""

BODIES = {
    "plain": "An ordinary message.\nIt has two lines.\n",
    "dots": ".\n..\n...\n.hidden\nends with a dot.\n.\nAfter the last lonely dot.\n",
    "lookalike": (
        "+OK 1 messages\n-ERR none\nDELE 1\nRSET\nQUIT\na1 LOGIN who what\n* OK ready\n* BYE\na1 OK done\n"
        "250 OK\n354 send it\n221 bye\nSTARTTLS\nSTLS\n{12}\n{12+}\nDATA\n)\n"
    ),
    "large": "".join(f"{number:06d} {'abcdefghijklmnopqrstuvwxyz' * 2}\n" for number in range(5100)),
    "long-line": "y" * 1990 + "\n",
    "empty": "",
    "eight-bit": "Grüße, 挨拶, привет\n",
}


def sample_messages() -> dict[str, bytes]:
    """Name → message. ``large`` is over 300 KB; ``long-line`` is as long as poplib reads."""
    return {name: (HEAD.format(name=name) + body).encode() for name, body in BODIES.items()}


def on_the_wire(message: bytes) -> bytes:
    """The same message with the line ends that the protocols use."""
    return message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
