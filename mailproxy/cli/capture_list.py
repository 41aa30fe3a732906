"""``mailproxy capture list``: one row for each mail session of a capture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mailproxy.cli.capture_files import Files, described, say_notes
from mailproxy.cli.capture_rows import HEAD, SHORT_HEAD, cells, row_described, short_cells
from mailproxy.cli.errors import say_error
from mailproxy.cli.json_lines import print_members
from mailproxy.cli.opened import AsJson
from mailproxy.cli.progress import reading
from mailproxy.cli.tables import on_terminal, print_table

if TYPE_CHECKING:
    from mailproxy.capture.conversations import FileTally
    from mailproxy.capture.listing import Row

BATCH = 500  # rows that are sorted and printed together: a file may have millions


def list_(
    files: Files,
    legs: Annotated[
        bool, typer.Option("--legs", help="A row for each TCP connection: both legs of a session.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the mail sessions in captures, one row for each.

    A session that mailproxy has recorded is one row, that of its client's leg. What in a file was
    no mail, or damaged, is said on standard error.

    \b
    Examples:
      mailproxy capture list session.pcapng
      mailproxy capture list --legs captures/*.pcapng.gz
      mailproxy capture list --json dump.pcap | jq '.sessions[].user'
    """
    reader = _Reader(files, legs, as_json)
    if as_json:
        print_members((("sessions", reader.described()), ("files", reader.files())))
    else:
        reader.print()
    if reader.failed:
        raise typer.Exit(1)


@dataclass(slots=True)
class _File:
    path: Path
    tally: FileTally
    sessions: int = 0
    error: str = ""


@dataclass(slots=True)
class _Reader:
    paths: list[Path]
    legs: bool
    as_json: bool
    failed: bool = False
    _files: list[_File] = field(default_factory=list)

    def print(self) -> None:
        short = on_terminal()
        several = len(self.paths) > 1
        columns = SHORT_HEAD if short else HEAD
        head = ("file", *columns) if several else columns
        for file, rows in self._batches():
            name = (str(file.path),) if several else ()
            print_table(head, ((*name, *(short_cells(row) if short else cells(row))) for row in rows))

    def described(self) -> Iterator[dict[str, object]]:
        for file, rows in self._batches():
            for row in rows:
                yield {"file": str(file.path), **row_described(row)}

    def files(self) -> Iterator[dict[str, object]]:
        for file in self._files:
            yield described(file.path, file.sessions, file.tally, file.error)

    def _batches(self) -> Iterator[tuple[_File, list[Row]]]:
        from mailproxy.capture.conversations import FileTally

        for path in self.paths:
            file = _File(path, FileTally())
            self._files.append(file)
            yield from ((file, sorted(rows, key=_number)) for rows in self._rows(file))
            if file.error:
                self.failed = True
                say_error(file.error)
            elif not self.as_json:
                say_notes(path, file.sessions, file.tally)

    def _rows(self, file: _File) -> Iterator[list[Row]]:
        from mailproxy.capture.conversations import conversations
        from mailproxy.capture.listing import Listing
        from mailproxy.capture.model import CaptureError

        listing = Listing(legs=self.legs)
        batch: list[Row] = []
        with reading(file.path, printing=self.as_json) as progress:
            items = conversations(file.path, file.tally, progress, listing.wants, shown=False)
            try:
                for row in listing.rows(items):
                    file.sessions += 1
                    batch.append(row)
                    if len(batch) == BATCH:
                        with progress.aside():
                            yield batch
                        batch = []
            except CaptureError as error:
                file.error = str(error)
                unfinished = list(listing.rest())
                file.sessions += len(unfinished)
                batch += unfinished
        if batch:
            yield batch


def _number(row: Row) -> int:
    return row.conversation.number
