"""Adapters for benchmarks of serving: small random changes of the base, staged and registered like trained
ones.

They make real work for the engine (real LoRA rows, a real probe) and say nothing about quality.
"""

import hashlib
import json
from pathlib import Path

from demo.prompts import FIXED_PROMPTS
from feedback.clock import SystemClock
from feedback.store import adapters
from feedback.store.engine import open_engine, unit_of_work
from feedback.store.tables import DEFAULT_DESK, Adapter
from serving.adapters.staging import next_adapter_name, stage_adapter
from serving.base import compute_base_id, resolve_base
from serving.settings import ServingSettings
from trainer.release.probe import write_probe

RANK = 8


def make_adapter(data_dir: Path, database_url: str, *, seed: int) -> str:
    """Makes an adapter with random weights under a new name, in state passed, ready to be promoted."""
    settings = ServingSettings(data_dir=data_dir)
    base, clock = resolve_base(settings.base_model), SystemClock()
    work = data_dir / "bench" / f"adapter-{seed}"
    save_random_lora(base, work / "adapter", seed=seed)
    write_probe(
        work / "probe.json",
        work / "adapter",
        base,
        compute_base_id(base),
        FIXED_PROMPTS[:4],
        prompts_from="demo",
        dtype=settings.dtype,
        threads=2,
        template_kwargs=settings.chat_template_kwargs,
    )
    (work / "README.md").write_text("# Random adapter of a benchmark\n", encoding="utf-8")
    name = next_adapter_name(data_dir / "adapters", clock.now().date(), [])
    target = stage_adapter(
        work / "adapter", data_dir / "adapters", name, base=base, max_rank=settings.max_lora_rank
    )
    with unit_of_work(open_engine(database_url)) as session:
        now = clock.now()
        adapter = Adapter(
            name=name,
            desk_id=DEFAULT_DESK,
            base_id=compute_base_id(base),
            manifest_sha256=hashlib.sha256((target / "manifest.json").read_bytes()).hexdigest(),
            created_at=now,
        )
        adapters.register_adapter(session, adapter=adapter, actor="bench")
        adapters.move_adapter(
            session,
            desk_id=DEFAULT_DESK,
            name=name,
            to_state="passed",
            reason="made by a benchmark",
            actor="bench",
            now=now,
        )
    return name


def save_random_lora(base: Path, target: Path, *, seed: int) -> None:
    """Saves random LoRA weights: small enough for readable replies, large enough for the probe."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(task_type="CAUSAL_LM", r=RANK, lora_alpha=RANK, target_modules="all-linear")
    tuned = get_peft_model(plain, config)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.01)
    tuned.save_pretrained(target)
    (target / "README.md").unlink(missing_ok=True)
    path = target / "adapter_config.json"
    saved = json.loads(path.read_text(encoding="utf-8")) | {"base_model_name_or_path": "base"}
    path.write_text(json.dumps({key: sort_list(value) for key, value in saved.items()}), encoding="utf-8")


def sort_list(value: object) -> object:
    return sorted(value) if isinstance(value, list) else value
