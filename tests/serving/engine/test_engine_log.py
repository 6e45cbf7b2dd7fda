"""What people are told from the engine's log."""

import pytest

from serving.engine.engine_log import describe_step, pick_last_words, suggest_remedy

LINES = [
    "(APIServer pid=1) INFO 11-22 12:00:00 [api_utils.py:286] non-default args: {}",
    "(EngineCore pid=2) INFO 11-22 12:00:09 [core.py:133] Initializing a V1 LLM engine (v0.32.0)",
    "(Worker pid=2) INFO 11-22 12:00:10 [cpu_model_runner.py:68] Starting to load model /m...",
]


def test_step_follows_the_last_telling_line():
    assert describe_step(LINES) == "loading weights"
    assert describe_step([*LINES, "something else"]) == "loading weights"
    assert describe_step(LINES[:1]) == "reading the model's configuration"
    assert describe_step(["nothing of note"]) is None


def test_tail_names_errors_and_leaves_out_noise():
    lines = [
        "WARNING be warned",
        "Traceback (most recent call last):",
        '  File "x.py", line 1',
        "INFO fine",
        "ValueError: no space",
        "INFO shutting down",
    ]
    assert pick_last_words(lines) == "  ValueError: no space"


def test_tail_tells_which_setting_was_refused():
    refused = "Value error, User-specified max_model_len (9) is greater than the derived max_model_len (8)"
    text = (
        "(APIServer pid=1) INFO 11-22 12:00:00 [model.py:1] Resolved architecture: X\n"
        'Traceback (most recent call last):\n  File "server.py", line 7, in main\n    return Config(\n'
        f"ValidationError: 1 validation error for ModelConfig\n  {refused} [type=value_error]\n"
        "    For further information visit https://errors.example/value_error\nbye\n"
    )
    tail = pick_last_words(text.splitlines())
    assert tail.splitlines() == [
        "  ValidationError: 1 validation error for ModelConfig",
        f"    {refused} [type=value_error]",
    ]
    assert suggest_remedy(tail) == "Lower [serving] max_model_len to what the model allows."


def test_tail_without_errors_gives_the_last_lines():
    assert pick_last_words([f"line {i}" for i in range(30)], count=2) == "  line 28\n  line 29"
    assert pick_last_words([]) == "  (the log is empty)"


@pytest.mark.parametrize(
    ("tail", "remedy"),
    [
        ("OSError: [Errno 98] Address already in use", "choose another with [serving] port"),
        (
            "ValueError: User-specified max_model_len (9) is greater than the derived max_model_len",
            "max_model_len",
        ),
        ("torch.OutOfMemoryError: CUDA out of memory.", "gpu_memory_utilization"),
        ("ModuleNotFoundError: No module named 'vllm'", "make setup"),
        ("something unheard of", "rejoinder doctor"),
    ],
)
def test_remedy_fits_the_cause(tail, remedy):
    assert remedy in suggest_remedy(tail)
