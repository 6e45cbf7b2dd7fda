"""What the address of a caller says: whether it is this machine, and how far one client reaches."""

from ipaddress import IPv6Address, ip_address, ip_network


def widen(address: str) -> str:
    """One client has a whole /64 of IPv6 addresses; it counts as one."""
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
