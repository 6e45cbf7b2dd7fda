"""`python -m feedback.translations`: update and compile the catalogue; exit code 1 while texts wait."""

import sys

from feedback.translations import PO_FILE, update

waiting = update()
for text in waiting:
    sys.stdout.write(f"untranslated: {text!r}\n")
sys.stdout.write(f"{PO_FILE}: {len(waiting)} texts wait for a translation\n")
sys.exit(1 if waiting else 0)
