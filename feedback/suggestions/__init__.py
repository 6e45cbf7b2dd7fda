"""How the suggestion sets of a desk come about."""
