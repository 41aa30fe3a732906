"""The proxy is killed at every kind of moment; nothing may be lost by it."""
