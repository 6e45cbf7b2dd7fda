// Replies being sent: each belongs to its turn, is sent after earlier ones of its conversation, survives a reload, and is
// shown as not sent if the service refused it after the agent had moved on.

import { flushOutbox, write } from "./api.js";
import { listEntries } from "./outbox.js";
import { showState } from "./notices.js";

export class Sending {
  /** `holds` tells whether a turn is still open. `onAccepted` gets what was sent and the answer; `onStays` gets the
   *  reason why a reply of an earlier page stays in the composer. */
  constructor({ notebook, holds, onAccepted, onStays }) {
    Object.assign(this, { notebook, holds, onAccepted, onStays, waiting: new Map() });
    for (const { about } of listEntries()) if (about) this.waiting.set(about.conversation_id, about);
  }

  /** The reply of this conversation that is being sent, or null. */
  find(conversationId) {
    return this.waiting.get(conversationId) ?? null;
  }

  /** Sends a reply; returns the answer or throws a refusal. `fields` is the composer's draft, `asked` the customer's
   *  message. */
  async send(path, body, { turn, fields, asked }) {
    const { conversation_id } = turn;
    const revision = this.notebook.revisionOf(conversation_id);
    const about = { ...fields, conversation_id, asked, revision };
    this.waiting.set(conversation_id, about);
    const sent = revision ? { ...body, draft_revision: revision } : body;
    const options = { line: conversation_id, about, onRefused: (entry, fault) => this.refuse(entry, fault) };
    const answer = await write(path, sent, { ...options, onState: (state) => this.tell(about, state) });
    this.accept(about, answer);
    return answer;
  }

  /** Sends the replies that an earlier page could not send. */
  flush() {
    return flushOutbox((path, { token }) => !token && !path.startsWith("/v1/items/"), {
      onAnswer: ({ about }, answer) => about && this.accept(about, answer),
      onRefused: (entry, fault) => this.refuse(entry, fault) && this.onStays(fault),
    });
  }

  tell(about, state) {
    if (this.holds(about)) showState(state);
  }

  end(about) {
    const last = this.waiting.get(about.conversation_id); // what the outbox gives back is another object
    if (last?.turn_id === about.turn_id && last.revision === about.revision) this.waiting.delete(about.conversation_id);
  }

  accept(about, answer) {
    this.end(about);
    this.notebook.sent(about.conversation_id, about.revision);
    this.onAccepted(about, answer);
  }

  /** Before a refused reply leaves the outbox: it is kept as not sent, unless its turn is open, where it stays in the
   *  composer. Tells which. */
  refuse({ about, body }, fault) {
    if (!about) return false;
    this.end(about);
    const { conversation_id, text, taken, none_good, turn_id, asked, revision } = about;
    if (this.holds(about)) {
      if (!this.notebook.find(conversation_id)) this.notebook.keep(conversation_id, { text, taken, none_good, turn_id });
      return true;
    }
    this.notebook.putAside(conversation_id, { text, taken, turn_id, asked, refused: fault.code || `http_${fault.status}` }, body.event_id);
    if (this.notebook.revisionOf(conversation_id) <= revision) this.notebook.clear(conversation_id);
    return false;
  }
}

