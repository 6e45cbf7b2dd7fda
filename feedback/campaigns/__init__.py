"""Campaigns: collecting picks of chosen tags and languages, up to a target and until an end."""
