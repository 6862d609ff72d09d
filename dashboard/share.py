"""This computer's address in its network, for `make run SHARE=1`: ``python -m dashboard.share``. Nothing is sent."""

from __future__ import annotations

import ipaddress
import socket
import sys

ELSEWHERE = ("192.0.2.1", "192.168.255.254", "10.255.255.254", "172.31.255.254")
"""Addresses that need not exist: one for documentation, to which any way out leads, and one of each private network."""


def address() -> str | None:
    """The address under which this computer would speak to others; None where it is in no network."""
    for other in ELSEWHERE:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((other, 9))  # of a datagram socket: looks for a way, says nothing
            except OSError:
                continue
            own = ipaddress.ip_address(probe.getsockname()[0])
            if not own.is_loopback and not own.is_link_local:
                return str(own)
    return None


if __name__ == "__main__":
    if (own := address()) is None:
        print("This computer is in no network: nobody else can open the page.", file=sys.stderr)
    print(own or "localhost")
