"""What people are told from the engine's log."""

import pytest

from serving.engine.engine_log import describe_step, read_new_lines, read_tail, suggest_remedy

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


def test_only_whole_new_lines_are_read(tmp_path):
    path = tmp_path / "log"
    path.write_text("old\none\ntwo\nha")
    lines, place = read_new_lines(path, 4)
    assert lines == ["one", "two"]
    with path.open("a") as file:
        file.write("lf\n")
    assert read_new_lines(path, place) == (["half"], 17)
    assert read_new_lines(tmp_path / "absent", 7) == ([], 7)


def test_tail_names_errors_and_leaves_out_noise_and_earlier_starts(tmp_path):
    path = tmp_path / "log"
    earlier = "ValueError: of yesterday\n"
    path.write_text(
        earlier + "--- start 2026\nWARNING be warned\nTraceback (most recent call last):\n"
        '  File "x.py", line 1\nINFO fine\nValueError: no space\nINFO shutting down\n'
    )
    assert read_tail(path, len(earlier)) == "  ValueError: no space"


def test_tail_tells_which_setting_was_refused(tmp_path):
    path = tmp_path / "log"
    refused = "Value error, User-specified max_model_len (9) is greater than the derived max_model_len (8)"
    path.write_text(
        "(APIServer pid=1) INFO 11-22 12:00:00 [model.py:1] Resolved architecture: X\n"
        'Traceback (most recent call last):\n  File "server.py", line 7, in main\n    return Config(\n'
        f"ValidationError: 1 validation error for ModelConfig\n  {refused} [type=value_error]\n"
        "    For further information visit https://errors.example/value_error\nbye\n"
    )
    tail = read_tail(path, 0)
    assert tail.splitlines() == [
        "  ValidationError: 1 validation error for ModelConfig",
        f"    {refused} [type=value_error]",
    ]
    assert suggest_remedy(tail) == "Lower [serving] max_model_len to what the model allows."


def test_tail_without_errors_gives_the_last_lines(tmp_path):
    path = tmp_path / "log"
    path.write_text("".join(f"line {i}\n" for i in range(30)))
    assert read_tail(path, 0, lines=2) == "  line 28\n  line 29"
    assert read_tail(tmp_path / "absent", 0) == "(no log)"
    path.write_text("")
    assert read_tail(path, 0) == "  (the log is empty)"


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
