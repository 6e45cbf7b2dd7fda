"""What an adapter is worth before anybody sees it: figures, guards, and the gate that judges them."""
