"""A proxy between mail programs and POP3, IMAP and SMTP servers that keeps mail from being lost."""

__version__ = "0.1.0"
