"""bench/gpu.sh on the CPU: a real part, parts that fail or take too long, and the packages it takes."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from bench.gpu import PARTS, TINY_PARTS, GpuPart, main, run_parts
from bench.gpu_wheels import OWN, name_loaded
from bench.packed import read_packed_options
from bench.train import read_train_options

ROOT = Path(__file__).parents[2]


def test_the_script_ends_with_one_json_line(tmp_path):
    """With a folder that holds no wheels, so with the packages of this machine."""
    done = subprocess.run(
        [ROOT / "bench/gpu.sh", "--tiny", "--parts", "packed"],
        cwd=tmp_path,
        env=os.environ | {"PYTHON": sys.executable, "WHEELS": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    line = json.loads(done.stdout.splitlines()[-1])
    assert (line["bench"], line["device"], line["failed"]) == ("gpu", "cpu", [])
    assert line["versions"]["torch"] == torch.__version__
    figures = line["parts"]["packed"]["figures"]
    for suffix in ("", "_200_20_4"):
        # Both round as bfloat16 does: by far more than float32 (1e-5), by far less than a wrong mask (0.3).
        assert 1e-5 < figures[f"rounding_packed{suffix}"] < 0.02
        assert figures[f"rounding_ratio{suffix}"] == pytest.approx(1, abs=0.5)


def test_a_part_that_fails_leaves_the_others_their_figures(tmp_path, monkeypatch, capsys):
    (tmp_path / "broken.py").write_text("raise SystemExit('no packed rows')")
    (tmp_path / "endless.py").write_text("import threading; threading.Event().wait()")
    (tmp_path / "sound.py").write_text("""print('a table'); print('{"figures": {"ratio": 2}}')""")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    parts = {
        "train": GpuPart("broken", 60),
        "long_rows": GpuPart("endless", 1),
        "packed": GpuPart("sound", 60),
    }
    monkeypatch.setattr("bench.gpu.TINY_PARTS", parts)
    with pytest.raises(SystemExit) as ended:
        main(["--tiny"])

    assert ended.value.code == 1
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["parts"]["train"]["failed"] == "exit code 1: no packed rows"
    assert line["parts"]["long_rows"]["failed"] == "not done after 1 s"
    assert line["parts"]["packed"]["figures"] == {"ratio": 2}
    assert line["failed"] == ["train", "long_rows"]


def test_nothing_starts_when_the_ten_minutes_are_over():
    found = run_parts({"train": GpuPart("no_such_module", 60)}, ends=time.monotonic() - 1)
    assert found == {"train": {"failed": "no time was left"}}


@pytest.mark.parametrize("parts", [PARTS, TINY_PARTS])
def test_every_part_gives_its_benchmark_options_that_it_knows(parts, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    readers = {"bench.train": read_train_options, "bench.packed": read_packed_options}
    asked = {}
    for name, part in parts.items():
        module, *options = part.command.split()
        asked[name] = readers[module](options)
    (long,) = asked["long_rows"].lengths
    if parts is PARTS:
        assert {each.shape for each in asked.values()} == {"qwen2.5-0.5b"}
        assert long.prompt + long.replies * long.reply == 8000
        assert sum(part.limit for part in parts.values()) <= 540  # the rest is for the installation


def test_packages_travel_by_name_and_version_but_for_torch():
    found = name_loaded(["json", "torch.nn", "trl.trainer", "peft"], OWN)
    assert [each.split("==")[0] for each in found] == ["peft", "trl"]


def test_without_a_gpu_the_script_says_what_takes_its_place(monkeypatch, capsys):
    monkeypatch.setattr("bench.gpu.find_device", lambda: None)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "--tiny takes the CPU" in capsys.readouterr().err
