"""Fuzzes the reader of captures, for as long as it is let.

    pip install atheris
    python fuzz/captures.py [FOLDER OF CAPTURES…] [-max_total_time=600]

The first folder gets what is found to be new; all are starting points, such as ``captures/``. A file that
breaks a promise of ``tests/capture/any_octets.py`` is left as ``crash-…`` in the current folder, and
``python fuzz/captures.py crash-…`` plays it again. The tests do the same with hypothesis, briefly.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

with atheris.instrument_imports(include=["mailproxy.capture"]):
    from tests.capture.any_octets import check


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "capture"

        def try_one(octets: bytes) -> None:
            path.write_bytes(octets)
            check(path)

        atheris.Setup(sys.argv, try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
