"""The configuration file: TOML in, a checked and frozen :class:`Config` out."""

from mailproxy.config.addresses import is_loopback, split_address
from mailproxy.config.errors import ConfigError
from mailproxy.config.loading import examine, load
from mailproxy.config.model import Config, Endpoint, Limits, Listener, Log, Rules, Store, Tls, Upstream
from mailproxy.config.store import store_url

__all__ = [
    "Config",
    "ConfigError",
    "Endpoint",
    "Limits",
    "Listener",
    "Log",
    "Rules",
    "Store",
    "Tls",
    "Upstream",
    "examine",
    "is_loopback",
    "load",
    "split_address",
    "store_url",
]
