"""The training objectives: `dpo` on pairs with TRL, or our own `choice` on whole choices."""
