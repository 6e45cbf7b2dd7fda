"""Probe and bring up against fakes; tests/serving/engine/test_real_engine.py does it against vLLM."""

import json
from pathlib import Path

import pytest

from serving.adapters.probe import read_probe
from serving.adapters.publish import bring_up
from serving.adapters.staging import stage_adapter
from serving.base import compute_base_id
from serving.client.fake import FakeEngine, fake_logprob
from serving.client.fleet import Fleet
from serving.errors import AdapterRefused, EngineUnreachable, ProbeFailed
from serving.settings import ServingSettings
from tests.serving.adapters.bad_adapters import write_adapter
from tests.serving.adapters.test_staging import base as base  # the smallest base that checks accept

NAME = "tuned-20260102-1"
PROMPT, REPLY = [11, 12, 13], [14, 15, 1]


def numbers(model: str) -> list[float]:
    tokens = PROMPT + REPLY
    return [fake_logprob(model, tokens[: place + 1]) for place in range(len(PROMPT), len(tokens))]


def write_probe(path: Path, base: Path, **changes) -> Path:
    prompt = {
        "prompt_token_ids": PROMPT,
        "reply_token_ids": REPLY,
        "adapter_logprobs": numbers(NAME),
        "base_logprobs": numbers("base"),
        **changes,
    }
    record = {"base_id": compute_base_id(base), "dtype": "float32", "prompts": [prompt]}
    path.write_text(json.dumps(record))
    return path


@pytest.fixture
def version(base, tmp_path) -> Path:
    write_adapter(tmp_path / "run" / "weights")
    write_probe(tmp_path / "run" / "probe.json", base)
    return stage_adapter(tmp_path / "run", tmp_path / "adapters", NAME, base=base, max_rank=16)


@pytest.fixture
def two_engines():
    with FakeEngine() as one, FakeEngine() as two:
        fleet = Fleet.from_endpoints(
            [one.endpoint, two.endpoint], ServingSettings(backend="cpu", request_timeout_s=30)
        )
        yield fleet, one, two
        fleet.close()


def test_sound_adapter_comes_up_on_every_engine(two_engines, version):
    fleet, one, two = two_engines
    report = bring_up(fleet, NAME, version, probe_path=version / "probe.json", tolerance=1e-3)
    assert one.adapters[NAME] == two.adapters[NAME] == str(version / "weights")
    assert report.tokens == 6 and report.largest_difference == 0 and report.to_base > 0.1


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"adapter_logprobs": [-1.0, -1.0, -1.0]}, "nat from the trainer's, 0.001 are allowed"),
        ({"base_logprobs": [-1.0, -1.0, -1.0]}, "the base arm"),
        ({"adapter_logprobs": [-1.0]}, "tokens and numbers do not match"),
        ({"adapter_logprobs": [-1.0, None, -1.0]}, "tokens and numbers do not match"),
        ({"reply_token_ids": [], "adapter_logprobs": [], "base_logprobs": []}, "no reply to compare"),
    ],
)
def test_adapter_that_fails_its_probe_is_unloaded_everywhere(
    two_engines, version, base, tmp_path, changes, text
):
    fleet, one, two = two_engines
    probe = write_probe(tmp_path / "probe.json", base, **changes)
    with pytest.raises(ProbeFailed, match=text):
        bring_up(fleet, NAME, version, probe_path=probe, tolerance=1e-3)
    assert NAME not in one.adapters and NAME not in two.adapters


def test_numbers_nearer_to_base_fail_even_within_a_wide_tolerance(two_engines, version, base, tmp_path):
    fleet, _, _ = two_engines
    far, near = ([number + shift for number in numbers(NAME)] for shift in (0.3, 0.1))
    probe = write_probe(tmp_path / "probe.json", base, adapter_logprobs=far, base_logprobs=near)
    with pytest.raises(ProbeFailed, match="as near to base"):
        bring_up(fleet, NAME, version, probe_path=probe, tolerance=0.5)


def test_probe_of_another_base_is_not_even_loaded(two_engines, version, tmp_path):
    fleet, one, _ = two_engines
    probe = tmp_path / "probe.json"
    record = json.loads((version / "probe.json").read_text())
    probe.write_text(json.dumps({**record, "base_id": "0" * 64}))
    with pytest.raises(ProbeFailed, match="probed on base 000000"):
        bring_up(fleet, NAME, version, probe_path=probe, tolerance=1e-3)
    assert not one.requests


@pytest.mark.parametrize(
    "content", [None, "{", "[]", '{"base_id": "x", "dtype": "float32", "prompts": [{}]}']
)
def test_probe_that_cannot_be_read_is_told(tmp_path, content):
    path = tmp_path / "probe.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ProbeFailed, match="is no probe"):
        read_probe(path, NAME)


def test_changed_files_never_reach_an_engine(two_engines, version):
    fleet, one, two = two_engines
    path = version / "weights" / "adapter_config.json"
    path.write_text(path.read_text().replace('"r": 4', '"r": 5'))
    with pytest.raises(AdapterRefused, match="sha256"):
        bring_up(fleet, NAME, version, probe_path=version / "probe.json", tolerance=1e-3)
    assert not one.requests and not two.requests


def test_files_that_were_never_staged_are_refused(two_engines, tmp_path):
    weights = write_adapter(tmp_path / "somewhere" / "weights")
    with pytest.raises(AdapterRefused, match="manifest"):
        bring_up(two_engines[0], NAME, weights, probe_path=tmp_path / "probe.json", tolerance=1e-3)


def test_engine_lost_while_probing_leaves_the_adapter_on_none(two_engines, version):
    fleet, one, two = two_engines
    two.close()
    with pytest.raises(EngineUnreachable):
        bring_up(fleet, NAME, version, probe_path=version / "probe.json", tolerance=1e-3)
    assert NAME not in one.adapters
