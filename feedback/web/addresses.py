"""What a caller's address says: whether it is this machine, and which range of addresses counts as one
client.
"""

from ipaddress import IPv6Address, ip_address, ip_network


def widen(address: str) -> str:
    """Returns the /64 network of an IPv6 address: one client usually owns all of it, so it counts as one."""
    try:
        found = ip_address(address)
    except ValueError:
        return address or "unknown"
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(found) if found.is_loopback else str(ip_network((found, 64), strict=False))


def is_loopback(address: str) -> bool:
    try:
        return ip_address(widen(address)).is_loopback
    except ValueError:
        return False
