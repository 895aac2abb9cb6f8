"""Signals that tell a program to end: Ctrl-C, a batch system's SIGTERM, a terminal or a window that closes."""

import signal

STOPPING: list[signal.Signals] = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]
"""Windows has no SIGHUP, and alone has SIGBREAK: Ctrl-Break, and its window closing."""
