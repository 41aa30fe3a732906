"""Where the corpus lies: beside the project, not in it."""

from __future__ import annotations

from pathlib import Path

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
WHY_NOT = f"the corpus is not there: {CORPUS}"
CAPTURES = CORPUS / "pcap"
TRANSCRIPTS = CORPUS / "transcripts"
