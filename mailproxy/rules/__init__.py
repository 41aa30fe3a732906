"""Rules: TOML files that say what is to happen to which command, and why.

:func:`load` reads files into a :class:`RuleSet`; its :meth:`RuleSet.judge` is
what a session asks.
"""

from __future__ import annotations

from mailproxy.rules.errors import RuleError
from mailproxy.rules.judge import RuleSet
from mailproxy.rules.load import load

__all__ = ["RuleError", "RuleSet", "load"]
