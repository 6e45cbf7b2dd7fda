"""How many files a process may open: each waiting page is one connection, and a thousand are more than the
usual 1,024.
"""

import resource

WANTED = 65_536
ENOUGH = 4_096  # some three thousand pages beside what everything else opens


def raise_file_limit(wanted: int = WANTED) -> int:
    """Up to what this process may take for itself; gives the number it has now. Children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    new = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (new, hard))
    return new


def describe_lack(files: int) -> str | None:
    """What a person should know; None where it is enough."""
    if files >= ENOUGH:
        return None
    room = max(0, files - 300)
    return f"{files} files may be open: room for about {room} pages at once (see ulimit -Hn, LimitNOFILE)"
