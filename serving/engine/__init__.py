"""The vLLM process: its command line, the child that runs it, its supervisor, its log."""
