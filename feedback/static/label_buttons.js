// Answers of one press: which of two replies is better, how good one is, whether what was said is right.

import { _ } from "./i18n.js";
import { make, replyPanel, sayValue } from "./label_shown.js";

/** A form whose buttons each send one value. `answers` have words, keys (a letter, a digit or both) and a value. */
class Buttons {
  constructor(box, answers, { onAnswer, name }) {
    Object.assign(this, { answers, onAnswer, isOnePress: true, letters: {} });
    this.row = make("div", "row verdicts", ...answers.map((answer) => this.button(answer)));
    this.row.setAttribute("role", "group");
    this.row.setAttribute("aria-labelledby", "question");
    this.row.dataset.part = name;
    box.append(this.row);
    for (const answer of answers) {
      for (const key of answer.keys) if (!/\d/.test(key)) this.letters[key] = () => this.answer(answer);
    }
  }

  button(answer) {
    const key = answer.words.startsWith(answer.keys[0]) ? [] : [" ", make("kbd", "", answer.keys[0].toUpperCase())];
    const button = make("button", answer.isMain ? "primary" : "", answer.words, ...key);
    button.type = "button";
    button.setAttribute("aria-keyshortcuts", answer.keys.join(" "));
    button.addEventListener("click", () => this.answer(answer));
    return button;
  }

  answer({ value }) {
    this.onAnswer({ value });
  }

  pressDigit(digit) {
    const answer = this.answers.find(({ keys }) => keys.includes(String(digit)));
    if (answer) this.answer(answer);
  }

  get fields() {
    return null; // nothing is chosen before it is sent
  }

  restore() {}
}

/** Two replies, A and B in the order of this labeller: which is better. */
export function compare(box, { shown, order }, { onAnswer }) {
  const [first, second] = order?.length ? order : ["a", "b"];
  box.append(make("div", "pair", replyPanel("A", shown[first], "a"), replyPanel("B", shown[second], "b")));
  const answers = [
    { words: _("A is better"), keys: ["a", "1"], value: { side: first }, isMain: true },
    { words: _("B is better"), keys: ["b", "2"], value: { side: second }, isMain: true },
    { words: _("Tie"), keys: ["t"], value: { side: "tie" } },
    { words: _("Both bad"), keys: ["x"], value: { side: "both_bad" } },
  ];
  return new Buttons(box, answers, { onAnswer, name: "verdicts" });
}

/** One reply: how good it is, from 1 to 5. */
export function rate(box, { shown }, { onAnswer }) {
  box.append(replyPanel(_("Reply"), shown.reply, "reply"));
  const words = [_("1, bad"), "2", "3", "4", _("5, very good")];
  const answers = words.map((each, at) => ({ words: each, keys: [String(at + 1)], value: { score: at + 1 } }));
  const form = new Buttons(box, answers, { onAnswer, name: "scores" });
  form.row.classList.add("scores");
  return form;
}

function sayClaim({ text, ...value }, question) {
  return sayValue({ value, text }, { question });
}

/** What somebody said: whether it is right; of a check, with what that was about. */
export function check(box, { shown, question }, { onAnswer }) {
  if (shown.reply) box.append(replyPanel(_("Reply"), shown.reply, "reply"));
  const replies = shown.replies ?? (shown.a === undefined ? [] : [shown.a, shown.b]);
  const names = shown.replies ? (at) => _("Reply %(number)s", { number: at + 1 }) : (at) => "AB"[at];
  if (replies.length) box.append(make("div", "pair", ...replies.map((text, at) => replyPanel(names(at), text, "reply"))));
  for (const each of shown.before ?? []) box.append(replyPanel(_("What was said"), sayClaim(each, question), "before"));
  const title = shown.before ? _("What a check said of it") : shown.claim.text ? _("New text") : _("What was said");
  box.append(replyPanel(title, sayClaim(shown.claim, question), "claim"));
  const answers = [
    { words: _("Correct"), keys: ["1"], value: { verdict: "good" }, isMain: true },
    { words: _("Incorrect"), keys: ["2"], value: { verdict: "bad" }, isMain: true },
    { words: _("Not sure"), keys: ["3"], value: { verdict: "unsure" } },
  ];
  return new Buttons(box, answers, { onAnswer, name: "checks" });
}
