"""The peak is that of this process: neither of its past, nor of the process that started it."""

import subprocess
import sys

SCRIPT = """
from trainer.estimate.peak import forget_peak, read_peak
before = read_peak()
taken = bytearray(300_000_000)
most = read_peak()
del taken
forget_peak()
print(before, most, read_peak())
"""


def test_a_peak_begins_anew_and_is_not_that_of_a_larger_parent():
    taken = bytearray(b"x") * 1_000_000_000  # more than a process takes that has torch loaded
    found = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True)
    before, most, after = map(int, found.stdout.split())
    assert len(taken) > before > 0
    assert most >= before + 250_000_000
    assert after < most - 250_000_000
