"""The sentences of advice by code. The English text is the key of the translations.

A value named `reason` is a word of the catalogue, too: the kinds of FORMS.
"""

FORMS = {
    "greeting": "greeting or sign-off",
    "punctuation": "punctuation or capitals",
    "format": "lists, bold type or line breaks",
    "length": "cuts alone",
}

SENTENCES = {
    # What to do for a desk
    "begin": "Nothing has been judged and nothing imported yet, so there is nothing to go by: let agents "
    "judge suggestions, or import records.",
    "thumbs_alone": "There are %(thumbs)s thumbs and no judgements: the recipe `lora_kto` learns from "
    "thumbs, but only held-out choices show whether that helped; let people compare suggestions, too.",
    "change_prompt": "Change the system prompt first: %(form)s of the last %(edits)s edits change the form "
    "alone, mostly %(reason)s, and training is the slow way to that.",
    "prompt_needs": "Form takes tens to hundreds of examples and a sentence in the prompt; edits before the "
    "change will no longer count here.",
    "written_by_hand": "The base cannot do this task yet: %(failed)s %% of replies were written by hand "
    "(%(failures)s of %(judged)s).",
    "none_good": "The base cannot do this task yet: in %(failed)s %% of judgements no suggestion was good "
    "(%(failures)s of %(judged)s).",
    "run_sft": "Fine-tune on texts that people wrote first (SFT): %(texts)s are there, and such a task "
    "takes %(needed)s.",
    "collect_texts": "Collect texts that people write: %(texts)s are there of the %(needed)s that such a "
    "task takes; %(missing)s more.",
    "follows_place": "Collect picks that were read: %(first)s %% of %(picks)s picks took the first card, "
    "where chance gives %(fair)s %%, so they say more about the place than about the text.",
    "collect_choices": "Collect choices: %(usable)s can be learnt from, of the %(needed)s that an ordinary "
    "task takes; %(missing)s more.",
    "nights_go_on": "The nights train on what is there meanwhile.",
    "fewest_of_tag": "The fewest are about “%(tag)s”: %(found)s; %(missing)s more tell a share of them to "
    "within 5 points.",
    "train_on_choices": "Train on choices: %(usable)s can be learnt from, and %(fresh)s of them came since "
    "the last run.",
    "replay_falls": "But general ability falls from run to run: on the replay set the last three are "
    "%(first)s, %(second)s and %(third)s nats a token from the base (limit %(limit)s); mix "
    "general conversations in (`mix:`), halve `learning_rate` or double `beta` in a copy of the recipe "
    "before the next one.",
    "good_and_steady": "Do nothing: %(adapter)s is better than the base, with %(share)s %% of %(picks)s "
    "picks (%(low)s to %(high)s %%), and the last run predicts held-out choices no better than the one "
    "before.",
    "good_and_waiting": "Do nothing: %(adapter)s is better than the base, with %(share)s %% of %(picks)s "
    "picks (%(low)s to %(high)s %%), and %(fresh)s new choices have come since the last run; %(needed)s "
    "make a night.",
    "nothing_new": "Do nothing: the last run saw all but %(fresh)s of the %(usable)s choices; %(needed)s "
    "new ones make a night.",
    # What a run shows about its recipe
    "diverged": "The rate is too high: the run ended since a number was no longer finite; halve "
    "`learning_rate` in the recipe, now %(rate)s.",
    "loss_rose": "The rate is too high: the training loss rose from %(first)s to %(last)s; halve "
    "`learning_rate` in the recipe, now %(rate)s.",
    "left_base": "The rate is too high: the adapter is %(distance)s nats a token from the base (limit "
    "%(limit)s); halve `learning_rate` in the recipe, now %(rate)s, or raise `beta`.",
    "left_base_sft": "The rate is too high: the adapter is %(distance)s nats a token from the base (limit "
    "%(limit)s); halve `learning_rate` in the recipe, now %(rate)s.",
    "hardly_moved": "The rate is too low: the training loss went from %(first)s to %(last)s only; raise "
    "`learning_rate` in the recipe three times, now %(rate)s.",
    "over_fit": "It is over-fit: the held-out loss was best at step %(best_step)s of %(steps)s (%(best)s) "
    "and ended at %(last)s, while the training loss fell to %(loss)s; lower `epochs` in the recipe to "
    "%(epochs)s, now %(epochs_now)s.",
    "over_fit_floor": "It is over-fit: the held-out loss was best at step %(best_step)s of %(steps)s "
    "(%(best)s) and ended at %(last)s, while the training loss fell to %(loss)s; lower `min_steps` in the "
    "recipe to %(best_step)s, now %(min_steps)s, and `epochs` to %(epochs)s.",
    "over_fit_choices": "It is over-fit: it predicts what it was trained on, but %(count)s held-out choices "
    "worse than the base (%(loss)s against %(base)s nats); collect more, or lower `epochs` in the recipe.",
    "under_fit": "It is under-fit: the held-out loss still fell at the end, from %(before)s to %(last)s "
    "between the last two checks; raise `epochs` in the recipe to %(epochs)s, now %(epochs_now)s.",
    "few_steps": "It is under-fit: it took %(steps)s steps, and below %(needed)s nothing can be told; raise "
    "`epochs` or `min_steps` in the recipe, or collect more.",
    "shrinking": "Its replies shrink: they have %(length)s %% of the base's length; raise `beta` in the "
    "recipe, and read whether people pick the short ones.",
    "shrinking_sft": "Its replies shrink: they have %(length)s %% of the base's length, as the texts that "
    "it learnt from may have; leave the shortest ones out.",
    "sound": "Nothing to change in the recipe: the held-out loss went from %(first)s to %(last)s and did not "
    "turn.",
    "sound_unmeasured": "Nothing to change in the recipe is seen: no loss was held out, so that "
    "over-fitting would not show.",
    "nothing_trained": "This run was not trained to its end, so that it shows nothing about its recipe.",
}
