"""Files that go out: the forms of other tools, what each of them can hold, and what of it was left behind."""
