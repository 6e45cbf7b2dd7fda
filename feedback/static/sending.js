// Replies on their way: each is bound to its turn, goes after those of its conversation that were sent before, survives a
// reload, and is shown as not sent where the service refused it after its writer had gone on.

import { flushOutbox, write } from "./api.js";
import { listEntries } from "./outbox.js";
import { showState } from "./notices.js";

export class Sending {
  /** `holds` tells whether a turn is still in hand. `onAccepted` is given what was sent and the answer, `onStays` why what
   *  an earlier page sent stays in the composer. */
  constructor({ notebook, holds, onAccepted, onStays }) {
    Object.assign(this, { notebook, holds, onAccepted, onStays, waiting: new Map() });
    for (const { about } of listEntries()) if (about) this.waiting.set(about.conversation_id, about);
  }

  /** What is on its way in this conversation, or null. */
  find(conversationId) {
    return this.waiting.get(conversationId) ?? null;
  }

  /** The answer, or a refusal thrown. `fields` are what the composer holds, `asked` what the customer had written. */
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

  /** What an earlier page could not send. */
  flush() {
    return flushOutbox((path, { token }) => !token && !path.startsWith("/v1/duel"), {
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

  /** Before it leaves the outbox: kept as not sent, unless its turn is in hand and it stays in the composer. Tells which. */
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

