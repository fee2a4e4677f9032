"""Taking a port to listen on, before anything else is done for it."""

from __future__ import annotations

import errno
import socket

from aiops.errors import InputError


def listening(host: str, port: int, option: str) -> socket.socket:
    """A socket that listens on ``host`` and ``port``; 0 takes a free one.

    Args:
        option: what the user chooses the port by, for the message.

    Raises:
        InputError: the port is taken, or this process may not listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise refusal(error, host, port, option) from error


def refusal(error: OSError, host: str, port: int, option: str) -> InputError:
    """What to tell a user whose port could not be bound."""
    if error.errno == errno.EADDRINUSE:
        return InputError(f"Port {port} of {host} is taken by another process (`ss -ltnp` shows "
                          f"which). End that one, or choose another port with {option}.")
    why = str(error.strerror).split(" (")[0]  # Python adds the address
    return InputError(f"Cannot listen on port {port} of {host}: {why}. Choose another "
                      f"port with {option} (from 1024 on anyone may), or another host.")
