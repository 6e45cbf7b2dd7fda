"""From a dataset to an adapter: the training loop, its checkpoints and its callbacks."""
