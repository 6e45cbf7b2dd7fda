// The list of what the signed-in person may label: how much is done and left, until when, and how often they are right.

import { Refusal, flushOutbox, read } from "./api.js";
import { _ } from "./i18n.js";
import { kindWords } from "./label_kinds.js";
import { make } from "./label_shown.js";
import { UnsentLabels, keepUnsent } from "./label_unsent.js";
import { explain, notice, part, showState } from "./notices.js";
import { showLocalTimes } from "./page.js";
import { timeOf } from "./thread.js";

const percent = (share) => `${Math.round(100 * share)} %`;

/** How often this person is right, where enough known answers say so. */
function accuracyWords({ accuracy, low, high }) {
  return _("You are right in %(share)s (%(low)s to %(high)s).", { share: percent(accuracy), low: percent(low), high: percent(high) });
}

function row(task) {
  const link = make("a", "", task.name);
  link.href = `/label/${encodeURIComponent(task.id)}`;
  const progress = make("progress");
  Object.assign(progress, { max: Math.max(1, task.done + task.waiting), value: task.done });
  progress.setAttribute("aria-label", task.name);
  const told = make("p", "small muted", kindWords(task.kind));
  if (task.due_at) told.append(" · ", _("Due:"), " ", timeOf(task.due_at));
  if (task.accuracy) told.append(" · ", accuracyWords(task.accuracy));
  const far = make("p", "small", _("%(done)s done, %(left)s left", { done: task.done, left: task.waiting }));
  return make("li", "", make("h3", "", link), progress, far, told);
}

async function show() {
  const { tasks } = await read("/v1/tasks");
  const open = tasks.filter(({ state = "open" }) => state === "open");
  part("tasks").replaceChildren(...open.map(row));
  part("tasks-panel").hidden = !open.length;
  part("nothing").hidden = open.length > 0;
  showLocalTimes(part("tasks"));
}

const unsent = new UnsentLabels();
unsent.draw();
try {
  await flushOutbox((path, { token }) => !token && path.startsWith("/v1/items/"), { onState: showState, onRefused: keepUnsent });
  unsent.draw();
  await show();
  await unsent.forgetGone();
} catch (fault) {
  if (fault instanceof Refusal) explain(fault);
  else notice(_("The server does not answer. Reload the page to go on; what you said is kept."), "warn");
}
