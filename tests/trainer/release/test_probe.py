import numpy as np
import pytest

from serving.adapters.probe import read_probe
from serving.base import compute_base_id

PROMPTS = [[{"role": "user", "content": "Where is my order 105 ?"}], [{"role": "user", "content": "Hello"}]]


def test_probe_is_what_serving_reads(trained, base, tmp_path):
    from trainer.data.tokens import PairTokens
    from trainer.evaluation.scoring import Scorer
    from trainer.release.probe import write_probe

    path = tmp_path / "probe.json"
    write_probe(
        path,
        trained.adapter_dir,
        base,
        compute_base_id(base),
        PROMPTS,
        prompts_from="guards",
        dtype="float32",
        threads=1,
        template_kwargs={},
    )
    probe = read_probe(path, "tuned-20261101-1")
    assert probe.base_id == compute_base_id(base) and len(probe.prompts) == 2
    first = probe.prompts[0]
    again = Scorer(base, threads=1).score([PairTokens(first.prompt_token_ids, first.reply_token_ids)])[0]
    assert first.base_logprobs == pytest.approx(again.tolist(), abs=1e-4)
    assert np.abs(np.subtract(first.adapter_logprobs, first.base_logprobs)).max() > 0.01
