"""A POP3 server that costs little: ``bulk_server.py CERT KEY OCTETS``. RETR gives the same large message.

It prints the port on which it speaks TLS, and ends when its standard input does.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading

LINE = b"An ordinary line of text, as long as such lines are in a message. More\r\n"


def main() -> None:
    certificate, key, octets = sys.argv[1], sys.argv[2], int(sys.argv[3])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    body = b"Subject: large\r\n\r\n" + LINE * (octets // len(LINE))
    message = b"+OK %d octets\r\n" % len(body) + body + b".\r\n"
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=accept, args=(listener, context, message), daemon=True).start()
    sys.stdin.read()


def accept(listener: socket.socket, context: ssl.SSLContext, message: bytes) -> None:
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, context, message), daemon=True).start()


def serve(client: socket.socket, context: ssl.SSLContext, message: bytes) -> None:
    with context.wrap_socket(client, server_side=True) as stream, stream.makefile("rb") as lines:
        stream.sendall(b"+OK ready\r\n")
        for line in lines:
            word = line[:4].upper()
            stream.sendall(message if word == b"RETR" else b"+OK\r\n.\r\n" if word == b"CAPA" else b"+OK\r\n")
            if word == b"QUIT":
                return


if __name__ == "__main__":
    main()
