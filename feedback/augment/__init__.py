"""Made records: children of choices, whose last customer message is worded otherwise by an operation."""
