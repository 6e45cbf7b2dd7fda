"""The kinds of sources, and the one that a source has before anybody has said so."""

from feedback.records.from_judgement import OWN_SOURCES

OWN_KIND = "own"
GIVEN_KINDS = ("public", "user", "expert", "model", "crowd")  # that a person may give

# By the name of a source, or else of its records' format; all others are of users.
KNOWN_KINDS = {
    **dict.fromkeys(OWN_SOURCES, OWN_KIND),
    **dict.fromkeys(("abcd", "hh", "lmarena", "star", "taskmaster", "ultrafeedback"), "public"),
    **dict.fromkeys(("argilla", "label-studio"), "crowd"),
}


def guess_kind(name: str, format_source: str | None = None) -> str:
    """The kind of a source by its name or, where that says nothing, by where its format comes from."""
    return KNOWN_KINDS.get(name) or KNOWN_KINDS.get(format_source or "") or "user"
