from feedback.run_report.stages import STAGE, find_last_stage, split_stages


def test_numbers_are_kept_apart_by_stage_and_a_stage_that_went_on_is_one():
    numbers = {
        "loss": [(1, 3.0), (2, 2.0), (3, 9.0), (4, 8.0)],
        "held_out_loss": [(2, 2.5)],
        "epoch_steps": [(1, 2.0), (3, 4.0)],
        STAGE: [(1, 1.0), (3, 2.0), (4, 2.0)],
    }
    assert split_stages(numbers) == [
        {
            "loss": [(1, 3.0), (2, 2.0)],
            "held_out_loss": [(2, 2.5)],
            "epoch_steps": [(1, 2.0)],
            STAGE: [(1, 1.0)],
        },
        {"loss": [(3, 9.0), (4, 8.0)], "epoch_steps": [(3, 4.0)], STAGE: [(3, 2.0), (4, 2.0)]},
    ]


def test_a_training_without_stages_is_one():
    numbers = {"loss": [(1, 3.0)], "held_out_loss": [(2, 2.5)]}
    assert split_stages(numbers) == [numbers] and split_stages({}) == [{}]


def test_the_last_stage_counts_its_own_steps():
    numbers = {"loss": [(1, 3.0), (2, 2.0), (3, 9.0), (4, 8.0)], STAGE: [(1, 1.0), (3, 2.0)]}
    assert find_last_stage(numbers) == {"loss": [(1, 9.0), (2, 8.0)], STAGE: [(1, 2.0)]}
    assert find_last_stage({"loss": [(5, 3.0)]}) == {"loss": [(5, 3.0)]}  # a resumed run without stages
