"""The proof that an engine computes with an adapter what its trainer computed, token by token.

`probe.json` is written by `trainer.release.probe.write_probe`: `{"base_id", "dtype", "prompts_from",
"prompts": [{"prompt_token_ids", "reply_token_ids", "adapter_logprobs", "base_logprobs"}]}`. Loads and unloads
nothing (see `publish`).
"""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.client.client import EngineClient
from serving.client.fleet import Fleet
from serving.errors import ProbeFailed

# The value of `prompts_from` for our own guard prompts; a probe without it may hold customers' messages.
GUARDS = "guards"
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.05, "float16": 0.05}
"""Largest difference of one token's log-probability (nats) by the served number format."""


@dataclass(frozen=True)
class ProbePrompt:
    prompt_token_ids: list[int]
    reply_token_ids: list[int]
    adapter_logprobs: list[float]
    base_logprobs: list[float]


@dataclass(frozen=True)
class Probe:
    base_id: str
    dtype: str
    prompts: list[ProbePrompt]


@dataclass(frozen=True)
class ProbeReport:
    """What was measured, over all engines and prompts, in nats per token."""

    tokens: int
    largest_difference: float
    to_adapter: float
    """Mean distance of the engine's numbers from the trainer's with the adapter."""
    to_base: float
    """Mean distance of the engine's numbers from the trainer's without it."""


def read_probe(path: Path, name: str) -> Probe:
    """Reads a probe file. Raises ProbeFailed if it is missing or holds nothing to compare."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        prompts = [ProbePrompt(**prompt) for prompt in record["prompts"]]
        probe = Probe(str(record["base_id"]), str(record["dtype"]), prompts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProbeFailed(name, "-", f"{path} is no probe ({error})") from None
    if not any(prompt.reply_token_ids for prompt in probe.prompts):
        raise ProbeFailed(name, "-", f"{path} holds no reply to compare")
    for prompt in probe.prompts:
        for numbers in (prompt.adapter_logprobs, prompt.base_logprobs):
            if len(numbers) != len(prompt.reply_token_ids) or not all(map(_is_finite, numbers)):
                raise ProbeFailed(name, "-", f"{path} has a reply whose tokens and numbers do not match")
    return probe


def may_hold_messages(path: Path) -> bool:
    """Whether the probe's prompts are, or may be, customers' messages, as in probes of early versions."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return not (isinstance(record, dict) and record.get("prompts_from") == GUARDS)


def run_probe(fleet: Fleet, name: str, probe: Probe, *, tolerance: float) -> ProbeReport:
    """Compares every engine's log-probabilities with the trainer's. Raises ProbeFailed with the number that
    is out of bounds.

    The adapter and the base are asked at the same time, so that an engine that mixes them up is found out,
    too.
    """
    reports = [
        _probe_engine(client, beside, fleet.base_name, name, probe, tolerance)
        for client, beside in fleet.list_engines(name)
    ]
    return ProbeReport(
        tokens=sum(report.tokens for report in reports),
        largest_difference=max(report.largest_difference for report in reports),
        to_adapter=sum(report.to_adapter for report in reports) / len(reports),
        to_base=sum(report.to_base for report in reports) / len(reports),
    )


def _probe_engine(
    client: EngineClient, beside: EngineClient, base_name: str, name: str, probe: Probe, tolerance: float
) -> ProbeReport:
    with ThreadPoolExecutor(max_workers=2) as pool:

        def ask(engine: EngineClient, model: str) -> list[list[float]]:
            return [
                engine.score(
                    model=model, prompt_token_ids=one.prompt_token_ids, reply_token_ids=one.reply_token_ids
                )
                for one in probe.prompts
            ]

        tuned_job, base_job = pool.submit(ask, client, name), pool.submit(ask, beside, base_name)
        tuned, base = _flatten(tuned_job.result()), _flatten(base_job.result())
    expected = _flatten([one.adapter_logprobs for one in probe.prompts])
    expected_base = _flatten([one.base_logprobs for one in probe.prompts])
    report = ProbeReport(
        tokens=len(expected),
        largest_difference=_largest(tuned, expected),
        to_adapter=_mean(tuned, expected),
        to_base=_mean(tuned, expected_base),
    )
    _judge(report, client.url, name, tolerance, _mean(expected, expected_base))
    base_difference = _largest(base, expected_base)
    if not base_difference <= tolerance:
        raise ProbeFailed(
            name,
            client.url,
            f"the base arm ({base_name}) is {base_difference:.4g} nat from the trainer's, {tolerance:g} "
            f"are allowed",
        )
    return report


def _judge(report: ProbeReport, url: str, name: str, tolerance: float, effect: float) -> None:
    """Raises ProbeFailed if the engine's numbers are off, or no nearer to the adapter's than to the base's.

    `effect` is the trainer's mean distance between adapter and base, in nats per token. Up to a fifth of the
    tolerance it cannot tell the two apart, and the second check is left out.
    """
    if not report.largest_difference <= tolerance:
        raise ProbeFailed(
            name,
            url,
            f"a token's log-probability is {report.largest_difference:.4g} nat from the trainer's, "
            f"{tolerance:g} are allowed",
        )
    if effect > tolerance / 5 and not report.to_adapter < report.to_base:
        raise ProbeFailed(
            name,
            url,
            f"its numbers are as near to base ({report.to_base:.4g} nat) as to the adapter "
            f"({report.to_adapter:.4g} nat)",
        )


def _is_finite(number: Any) -> bool:
    return isinstance(number, int | float) and math.isfinite(number)


def _flatten(rows: list[list[float]]) -> list[float]:
    return [number for row in rows for number in row]


def _largest(found: list[float], expected: list[float]) -> float:
    return max(abs(a - b) for a, b in zip(found, expected, strict=True))


def _mean(found: list[float], expected: list[float]) -> float:
    return sum(abs(a - b) for a, b in zip(found, expected, strict=True)) / len(expected)
