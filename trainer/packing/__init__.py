"""Several replies in one row of tokens: layout, attention, products and the log-probs read from it."""
