"""Why a store cannot be opened."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot be opened, or brought to this version.

    ``place`` is the file or the address, without a password; ``cause`` what is wrong there
    and ``next_step`` what a person can do about it.
    """

    def __init__(self, place: str, cause: str, next_step: str) -> None:
        super().__init__(f"{place}: {cause}; {next_step}")
        self.place = place
        self.cause = cause
        self.next_step = next_step
