/* Why there are no suggestions, and which setting changes that: for the agent, who passes it on. */

import { _ } from "./i18n.js";

const WORDS = {
  cut_off: (value) => _("No suggestions this time: every reply was cut off. Write the reply by hand and send it as always. Your administrator can raise max_tokens, now %(value)s tokens.", { value }),
  thoughts: (value) => value
    ? _("No suggestions this time: the model wrote thoughts and no reply. Write the reply by hand and send it as always. Your administrator can turn thinking off in chat_template_kwargs, now %(value)s.", { value })
    : _("No suggestions this time: the model wrote thoughts and no reply. Write the reply by hand and send it as always. Your administrator can choose another base_model."),
  empty: () => _("No suggestions this time: every reply came out empty. Write the reply by hand and send it as always. Your administrator can choose another base_model."),
};

export function sayEmpty(failure) {
  const say = WORDS[failure?.reason];
  return say ? say(failure.value) : _("No suggestions this time: write the reply by hand and send it as always.");
}
