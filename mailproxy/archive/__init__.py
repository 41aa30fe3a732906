"""Copies of messages that are deleted on the server: Maildirs below the state folder."""
