"""The limit of open files: a waiting page is a connection, and a thousand exceed the usual 1,024."""

import resource

WANTED = 65_536
ENOUGH = 4_096  # about three thousand pages besides all other files


def raise_file_limit(wanted: int = WANTED) -> int:
    """Raises the soft limit to `wanted` or the hard limit; returns it. Child processes inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    new = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (new, hard))
    return new


def describe_lack(files: int) -> str | None:
    """The warning for a limit that is too low; None if it is enough."""
    if files >= ENOUGH:
        return None
    room = max(0, files - 300)
    return f"{files} files may be open: room for about {room} pages at once (see ulimit -Hn, LimitNOFILE)"
