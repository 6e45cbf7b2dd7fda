"""The sentences of what to collect next, by code. The English text is the key of the translations."""

SENTENCES = {
    "no_tags": "No conversation and no record has a tag yet, so that nothing can be told by tag: import some "
    "with their tags, or let people label them.",
    "enough": "Every tag has enough picks for its support rate to be known to within 5 points; nothing has "
    "to be collected for that.",
    "no_adapter": "Collect “%(tag)s” next (usable records: %(usable)s): the base serves alone, so that no "
    "support rate is known yet; once an adapter serves, too, %(missing)s picks tell that of this tag to "
    "within 5 points.",
    "no_picks": "Collect “%(tag)s” next: no pick of what serves is about it yet, and %(missing)s picks tell "
    "its support rate to within 5 points (usable records: %(usable)s).",
    "more_picks": "Collect “%(tag)s” next: its %(picks)s picks put the support rate between %(low)s and "
    "%(high)s %%, and %(missing)s more tell it to within 5 points (usable records: %(usable)s).",
}
