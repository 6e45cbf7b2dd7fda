// The customer page's texts about a rate limit.

import { _ } from "../i18n.js";

export function describeWait(seconds) {
  return _("Too much at once. This page tries again in %(count)s s; what you wrote is kept.", { count: seconds });
}
