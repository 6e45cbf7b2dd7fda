"""Imports and exports records as JSONL files, one line at a time, plain or gzip by the file's ending."""
