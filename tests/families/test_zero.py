"""The adapter that changes nothing can be made for every family whose adapters an engine takes."""

import pytest

from serving.adapters.check import check_adapter
from serving.adapters.staging import write_zero_adapter
from serving.facts.profile import read_profile
from tests.families.table import FAMILIES

SERVED = [name for name, family in FAMILIES.items() if family.refused is None and family.unfit is None]


@pytest.mark.parametrize("name", SERVED)
def test_the_zero_adapter_names_a_layer_of_the_first_block(name, find_base, tmp_path):
    base = find_base(name)
    target = write_zero_adapter(base, tmp_path / "zero" / "weights")
    (module,) = check_adapter(target, base=base, max_rank=8).modules
    assert module in read_profile(base).adapter_layers
