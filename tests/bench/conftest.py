"""The tiny base with its dataset and adapter, as the trainer's tests have them."""

from tests.trainer.conftest import base, dataset, trained

__all__ = ["base", "dataset", "trained"]
