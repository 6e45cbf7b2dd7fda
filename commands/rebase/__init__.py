"""`rejoinder rebase`: move to another base model, with everything learnt again before it serves."""
