"""bench.capture: its figures, worked out from made-up rounds."""

import pytest

from bench.capture import CaptureRound, find_dearer, name_figures

SQLITE = [CaptureRound(100.0, 400.0, cpu_ms, 110.0, None, 0.0) for cpu_ms in (3.0, 3.375, 4.0)]
POSTGRESQL = [CaptureRound(200.0, 400.0, cpu_ms, 210.0, 315.0, 5.525) for cpu_ms in (3.5, 3.8, 4.5)]


def test_the_time_of_a_judgement_is_that_of_the_web_alone():
    """Not the 5.525 ms that web, database and load take together."""
    figures = name_figures("sqlite", SQLITE) | name_figures("postgresql", POSTGRESQL)

    assert figures["cpu_ms_with_database_and_load"] == 5.525
    assert find_dearer(figures) == figures["cpu_ms_per_judgement_postgresql"] == 3.8
    assert find_dearer(name_figures("sqlite", SQLITE)) == 3.375


def test_a_second_process_is_measured_where_there_is_one():
    assert "scaling_2_processes" not in name_figures("sqlite", SQLITE)
    figures = name_figures("postgresql", POSTGRESQL)
    assert figures["scaling_2_processes"] == pytest.approx(1.5)
    assert figures["bound_share_2_processes"] == pytest.approx(315 / figures["bound_per_s_2_processes"])
