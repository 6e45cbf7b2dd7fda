"""From what people did to training records: pure rules, no store, no network, no file."""
