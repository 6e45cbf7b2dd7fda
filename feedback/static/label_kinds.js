// The form of each kind of question. A form shows what is asked about and has: `fields` (the answer so far, or null),
// `restore` (shows a draft), `letters` and `pressDigit` (its keys), `isOnePress` (an answer is sent as it is given).

import { check, compare, rate } from "./label_buttons.js";
import { pick, tag } from "./label_options.js";
import { rewrite } from "./label_text.js";
import { _ } from "./i18n.js";

const FORMS = { tag, compare, pick, rate, rewrite, check };
const QUESTIONS = {
  tag: () => _("What is this conversation about?"),
  compare: () => _("Which reply is better?"),
  pick: () => _("Which replies are good?"),
  rate: () => _("How good is this reply?"),
  rewrite: () => _("How should this reply be?"),
  check: () => _("Is this right?"),
};
const NAMES = {
  tag: () => _("choosing tags"),
  compare: () => _("comparing two replies"),
  pick: () => _("picking good replies"),
  rate: () => _("rating replies"),
  rewrite: () => _("rewriting replies"),
  check: () => _("checking"),
};

/** The keys that help lists for a kind. */
export const KEYS = { tag: ["options", "tag"], pick: ["options"], compare: ["compare"], rate: ["rate"], check: ["check"], rewrite: ["rewrite"] };

export function drawForm(box, item, hooks) {
  box.replaceChildren();
  return FORMS[item.kind](box, item, hooks);
}

/** What is asked: in the task's own words where it has some. */
export function questionWords({ kind, question }) {
  return question.text || QUESTIONS[kind]();
}

export function kindWords(kind) {
  return NAMES[kind]();
}
