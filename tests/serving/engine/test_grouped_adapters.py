"""Products by adapters in groups, against each token's by itself."""

import pytest
import torch

from serving.engine.forking_server import multiply_in_groups

RANK, GIVEN, WIDTHS = 3, 5, (4, 2)


class Wrapper:
    """What is used of vLLM's: the number of each token's adapter."""

    alone = 0

    def update_metadata(self, numbers: list[int]) -> None:
        self.token_lora_indices = torch.tensor(numbers)

    def add_lora_linear(self, *args: object) -> None:
        self.alone += 1


def draw_adapters() -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """A and B of three adapters, for both parts of a layer."""
    return (
        [torch.randn(3, 1, RANK, GIVEN) for _ in WIDTHS],
        [torch.randn(3, 1, width, RANK) for width in WIDTHS],
    )


@pytest.mark.parametrize(
    "numbers",
    [[0] * 6, [1, 1, 0, 2, 0, 1], [-1, 2, -1, 0, 0, -1], [-1] * 6, [2]],
    ids=["one", "three", "some without", "all without", "one token"],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def test_each_token_gets_the_products_of_its_own_adapter(numbers: list[int], dtype: torch.dtype) -> None:
    class Grouped(Wrapper):
        pass

    multiply_in_groups(Grouped)
    torch.manual_seed(7)
    a_stacked, b_stacked = draw_adapters()
    x, before = torch.randn(len(numbers), GIVEN), torch.randn(len(numbers), sum(WIDTHS))
    wrapper, y = Grouped(), before.to(dtype, copy=True)
    wrapper.update_metadata(numbers)
    wrapper.add_lora_linear(y, x.to(dtype), a_stacked, b_stacked, 0.5, WIDTHS)
    for token, number in enumerate(numbers):
        more = [
            0.5 * b[number, 0] @ (a[number, 0] @ x[token]) for a, b in zip(a_stacked, b_stacked, strict=True)
        ]
        wanted = before[token] + (torch.cat(more) if number >= 0 else 0)
        off, share = (1e-5, 1e-5) if dtype == torch.float32 else (0.2, 0.05)
        torch.testing.assert_close(y[token].float(), wanted, atol=off, rtol=share)
    assert wrapper.alone == 0


def test_rows_that_are_no_tokens_are_left_to_vllm() -> None:
    class Grouped(Wrapper):
        pass

    multiply_in_groups(Grouped)
    wrapper = Grouped()
    wrapper.update_metadata([0, 1])
    a_stacked, b_stacked = draw_adapters()
    wrapper.add_lora_linear(torch.zeros(4, 6), torch.zeros(4, GIVEN), a_stacked, b_stacked, 1.0, WIDTHS)
    assert wrapper.alone == 1
