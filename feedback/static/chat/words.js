// What the customer's page says of refusals and delays: in the page's language, without ids.

import { _ } from "../i18n.js";

const REFUSED = {
  too_many_conversations: () => _("Several of your conversations wait for an answer. Write in one of them, or come back later."),
  too_many_messages: () => _("This conversation is full. Start a new one."),
  too_many_thumbs: () => _("There are too many ratings in this conversation. The last ones count."),
  thumb_outdated: () => _("You rated this elsewhere meanwhile; that rating is shown."),
  conversation_erased: () => _("This conversation is deleted."),
};

/** Why a text was not taken; the customer keeps it. */
export function whyNotSent({ code, status }) {
  if (REFUSED[code]) return REFUSED[code]();
  if (status === 401 || status === 404) return _("This conversation cannot be opened from here. Start a new one.");
  if (status === 413 || status === 422) return _("This text cannot be sent as it is. Change it and send it anew.");
  return _("The service could not take this text. Send it again later.");
}

export function whyNotRated({ code }) {
  return REFUSED[code]?.() || _("The rating could not be saved.");
}

export function tellWait(seconds) {
  return _("Too much at once. This page tries again in %(count)s s; what you wrote is kept.", { count: seconds });
}
