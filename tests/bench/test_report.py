import subprocess
import sys

SCRIPT = """
import time
from bench.report import ending_on_term
try:
    with ending_on_term():
        print("begun", flush=True)
        time.sleep(60)
finally:
    print("taken down", flush=True)
"""


def test_a_benchmark_told_to_end_runs_its_clean_up():
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.terminate()
    rest, _ = process.communicate(timeout=30)
    assert rest == "taken down\n"
    assert process.returncode == 128 + 15
