"""The facts about a base in sentences, for `rejoinder doctor` and `rejoinder up`."""

from serving.facts.profile import BaseProfile


def describe_size(profile: BaseProfile) -> str:
    """Architecture, size, number format and window."""
    window = "no limit of its window" if profile.window is None else f"window {profile.window:,} tokens"
    mixture = f", {profile.experts} experts" if profile.experts else ""
    named, weights = profile.architecture or "unknown architecture", _format_count(profile.parameters)
    return f"{named}{mixture}, {weights} weights in {profile.dtype}, {window}"


def describe_layers(profile: BaseProfile) -> str:
    """What an adapter changes, and which layers it leaves alone and why."""
    left_out = {
        name: why for name, why in profile.layers.left_out.items() if name not in profile.adapter_layers
    }
    left_out |= {name: "engine" for name in profile.layers.names if name not in profile.adapter_layers}
    told = ", ".join(f"{name} ({why})" for name, why in sorted(left_out.items()))
    taken = ", ".join(profile.adapter_layers) or "no layer"
    return f"an adapter changes {taken}" + (f"; not {told}" if told else "")


def describe_turns(profile: BaseProfile) -> str:
    """What ends a turn, and what the template does with system texts, turns, thoughts and dates."""
    template, ends = profile.template, profile.ends
    if not template.text:
        return "no chat template"
    others = [str(number) for number in ends.ids if number != ends.turn_end]
    told = [
        f"a turn ends on token {ends.turn_end}" + (f" (or {', '.join(others)})" if others else ""),
        "takes a system text" if template.takes_system else "has no system role",
    ]
    if template.needs_alternation:
        told.append("wants roles to alternate")
    for name, value in template.thinking_off.items():
        told.append(f"thinking is turned off by {name} = {str(value).lower()}")
    if template.prints_date:
        told.append("prints a date, that of the turn")
    return ", ".join(told)


def _format_count(number: int) -> str:
    for size, word in ((10**9, "billion"), (10**6, "million")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return f"{number:,}"
