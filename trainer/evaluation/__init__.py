"""Measures an adapter before anybody sees it: figures, guards, and the gate that judges them."""
