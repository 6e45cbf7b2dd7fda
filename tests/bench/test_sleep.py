"""bench.sleep on a stub engine with vLLM's sleep routes; no GPU, so what is taken of one is made up."""

import json

from bench import sleep
from tests.serving.adapters.test_staging import base as base
from tests.serving.engine.test_supervisor import mode as mode


def test_it_tells_what_is_taken_before_the_rest_in_it_and_after(base, mode, monkeypatch, capsys):
    mode("sleeper")
    taken = iter([3, 20_000, 900, 20_001])
    monkeypatch.setattr(sleep, "read_used", lambda: next(taken))
    sleep.main(["--base-model", str(base)])
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    figures = line["figures"]
    told = {name: value for name, value in figures.items() if name.startswith("mib_")}
    assert told == {"mib_without": 3, "mib_before": 20_000, "mib_asleep": 900, "mib_after": 20_001}
    assert figures["seconds_to_rest"] > 0 and figures["seconds_to_wake"] > 0
