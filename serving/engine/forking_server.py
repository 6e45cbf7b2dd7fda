"""vLLM's own server for a CPU, faster in two places: `python -P forking_server.py` and the server's options.

Its core is a fork. On a CPU vLLM starts the process of the core anew, to load other allocators into it, and
that one imports torch and vLLM a second time: half of a start, and memory that the two could share. Elsewhere
vLLM forks, too. The server computes nothing before, so that no thread of a computation is lost in the fork.

It multiplies by adapters in groups. On a CPU vLLM copies the matrices of an adapter for each token, which
takes longer than the base's own products (docs/decisions/0029). Here the tokens of one adapter are multiplied
together, and nothing is copied.
"""

import multiprocessing
import runpy
from typing import Any


def multiply_in_groups(wrapper: Any) -> None:
    """Replaces `add_lora_linear` of vLLM's `PunicaWrapperCPU`, which adds to the products of a layer those of
    each token's adapter: y[t] += scale (x[t] Aᵀ) Bᵀ. A token whose number of an adapter is -1 has none.
    """
    note_numbers, add_alone = wrapper.update_metadata, wrapper.add_lora_linear

    def note_groups(self: Any, *args: Any, **kwargs: Any) -> None:
        note_numbers(self, *args, **kwargs)
        numbers = self.token_lora_indices
        found = numbers.unique().tolist()
        self.groups = [
            (number, None if len(found) == 1 else (numbers == number).nonzero().flatten())
            for number in found
            if number >= 0
        ]

    def add_in_groups(
        self: Any, y: Any, x: Any, a_stacked: Any, b_stacked: Any, scale: float, widths: Any, **kwargs: Any
    ) -> None:
        """`x`: (tokens, in), `y`: (tokens, the sum of `widths`); of each part of the layer `a_stacked` is
        (adapters, 1, rank, in) and `b_stacked` (adapters, 1, width, rank). Sums of A are float32, as vLLM's.
        """
        if len(x) != len(self.token_lora_indices):  # rows that nobody asked for, of a warm-up
            add_alone(self, y, x, a_stacked, b_stacked, scale, widths, **kwargs)
            return
        for number, rows in self.groups:
            given = (x if rows is None else x[rows]).float()
            begin = 0
            for a, b, width in zip(a_stacked, b_stacked, widths, strict=True):
                low = (given @ a[number, 0].float().T) * scale
                more = low.to(y.dtype) @ b[number, 0].to(y.dtype).T
                part = y[:, begin : begin + width]
                if rows is None:
                    part += more
                else:
                    part.index_add_(0, rows, more)
                begin += width

    wrapper.update_metadata, wrapper.add_lora_linear = note_groups, add_in_groups


def main() -> None:
    from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU
    from vllm.v1.engine import utils

    utils.get_mp_context = lambda: multiprocessing.get_context("fork")  # type: ignore[attr-defined]
    multiply_in_groups(PunicaWrapperCPU)
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
