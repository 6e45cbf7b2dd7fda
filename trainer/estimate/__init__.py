"""What a run would take: tokens, steps, time and memory, before it is asked for."""
