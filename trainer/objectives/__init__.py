"""What is trained for: DPO on pairs with TRL, or our own objective on whole choices."""
