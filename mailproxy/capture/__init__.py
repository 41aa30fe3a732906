"""Captures: decrypted mail sessions as pcapng, written, read, looked at and replayed."""
