"""Records in and out: JSONL files, plain or gzip by their ending, one line at a time."""
