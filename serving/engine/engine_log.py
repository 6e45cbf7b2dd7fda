"""Reads the engine's log for people: what the engine is doing now, why it ended, and what to do about it."""

# Phrases of vLLM's log in the order in which they appear, and what they mean to somebody who waits.
STEPS = (
    ("non-default args", "reading the model's configuration"),
    ("Resolved architecture", "starting the engine core"),
    ("Initializing a V1 LLM engine", "preparing the engine core"),
    ("Starting to load model", "loading weights"),
    ("Loading weights took", "reserving the cache"),
    ("init engine", "starting the HTTP server"),
    ("Application startup complete", "loading adapters"),
)
REMEDIES = (
    ("address already in use", "Another program took the port: choose another with [serving] port."),
    ("No space left on device", "The disk or /dev/shm is full: make room there."),
    ("Cannot allocate memory", "Memory ran out: lower [serving] kv_cache_gib or end other programs."),
    ("CUDA out of memory", "GPU memory ran out: lower [serving] gpu_memory_utilization or max_model_len."),
    ("is less than requested memory for kv", "Memory is short: lower [serving] kv_cache_gib."),
    ("is greater than the derived max_model_len", "Lower [serving] max_model_len to what the model allows."),
    (
        "are not supported for now",
        "This engine does not serve models of this architecture: choose another base_model.",
    ),
    ("is only supported on", "This machine does not support the chosen number format: set [serving] dtype."),
    ("No module named", "The installation is not complete: run `make setup`."),
    ("chat template", "The base model has no chat template: choose an instruct model."),
)
_DEFAULT_REMEDY = "The whole log says more; `rejoinder doctor` checks libraries, memory and model."
_NOISE = (
    "WARNING",
    "warnings.warn",
    "DeprecationWarning",
    "FutureWarning",
    "  File ",
    "Traceback",
    "For further information visit",
)


def describe_step(lines: list[str]) -> str | None:
    """What the engine is doing, by the latest of these log lines that tells; None if no line does."""
    for line in reversed(lines):
        for phrase, meaning in reversed(STEPS):
            if phrase in line:
                return meaning
    return None


def pick_last_words(lines: list[str], *, count: int = 12) -> str:
    """The last informative lines of the log, without warnings and without the places in tracebacks.

    Lines that name an error are preferred: the engine often writes a page of shutdown notes after its reason.
    """
    told = [line.rstrip() for line in lines if line.strip() and not any(n in line for n in _NOISE)]
    chosen = _pick_errors(told)[-count:] or told[-count:]
    return "\n".join(f"  {line[:400]}" for line in dict.fromkeys(chosen)) or "  (the log is empty)"


def _pick_errors(lines: list[str]) -> list[str]:
    """Lines that name an error, each with the indented lines below it: vLLM explains a refused setting on the
    second line of its exception.
    """
    found: list[str] = []
    goes_on = False
    for line in lines:
        is_named = "Error" in line or "ERROR" in line or "error:" in line
        goes_on = is_named or (goes_on and line.startswith("  "))
        if goes_on:
            found.append(line)
    return found


def suggest_remedy(tail: str) -> str:
    """A remedy for an engine that ended with these log lines."""
    for phrase, remedy in REMEDIES:
        if phrase.lower() in tail.lower():
            return remedy
    return _DEFAULT_REMEDY
