"""The allocator's setting."""

from __future__ import annotations

import ctypes

import pytest

from mailproxy.capture.allocator import keep_freed_memory


def test_glibc_takes_the_setting() -> None:
    if not hasattr(ctypes.CDLL(None), "mallopt"):
        pytest.skip("this C library has no mallopt")
    assert keep_freed_memory()


def test_another_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not keep_freed_memory()
