"""The limit of open files: raised as far as it may be, and told where that is too little."""

import subprocess
import sys

import pytest

from commands.files import describe_lack

SCRIPT = """
import resource
from commands.files import raise_file_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (256, {hard}))
print(raise_file_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(("hard", "now"), [(4096, 4096), (1024, 1024)])
def test_the_limit_is_raised_as_far_as_it_may_be(hard: int, now: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(hard=hard)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(now), str(now)]


def test_a_low_limit_is_told_with_what_it_leaves_room_for() -> None:
    assert describe_lack(65_536) is None
    assert "about 724 pages" in (describe_lack(1024) or "")
