"""The training objectives: our own `choice` on whole choices; with TRL `dpo` on pairs, `sft` on texts that
people wrote, `kto` on thumbs.
"""
