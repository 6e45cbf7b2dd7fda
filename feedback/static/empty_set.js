/* Why there are no suggestions, and which setting changes that or when the model is back: for the agent. */

import { _ } from "./i18n.js";

const WORDS = {
  cut_off: (value) => _("No suggestions this time: every reply was cut off. Write the reply by hand and send it as always. Your administrator can raise max_tokens, now %(value)s tokens.", { value }),
  thoughts: (value) => value
    ? _("No suggestions this time: the model wrote thoughts and no reply. Write the reply by hand and send it as always. Your administrator can turn thinking off in chat_template_kwargs, now %(value)s.", { value })
    : _("No suggestions this time: the model wrote thoughts and no reply. Write the reply by hand and send it as always. Your administrator can choose another base_model."),
  empty: () => _("No suggestions this time: every reply came out empty. Write the reply by hand and send it as always. Your administrator can choose another base_model."),
  engine_rests: (value, until) => until
    ? _("No suggestions just now: the model is away for training until about %(time)s. Write the reply by hand and send it as always.", { time: clock(until) })
    : _("No suggestions just now: the model is away for training. Write the reply by hand and send it as always."),
};

const clock = (at) => new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export function sayEmpty(failure) {
  const say = WORDS[failure?.reason];
  return say ? say(failure.value, failure.until) : _("No suggestions this time: write the reply by hand and send it as always.");
}
