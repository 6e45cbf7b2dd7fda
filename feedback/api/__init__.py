"""The capture API: conversations, queue, suggestion sets, judgements, thumbs (design: HTTP contract v1).

How to add a call (a whole module of them is a blueprint, registered in `feedback/app.py: BLUEPRINTS`):

    bp = Blueprint("runs", __name__)

    class NewRun(Body):                       # schemas.py: strict, no unknown field, has event_id
        recipe: Name | None = None

    class RunQueued(Answer):
        run_id: str

    @write(bp, "/v1/runs", roles=("admin",), body=NewRun, answer=RunQueued, status=202)
    def create(call: Write, body: NewRun) -> RunQueued:
        \"\"\"Ask for a run.\"\"\"               # first line = summary in /openapi.json
        row = runs.file_run_request(call.session, desk_id=call.actor.desk_id, now=call.now, ...)
        call.after_commit(lambda: ...)        # anything that is not the store: wake-ups, network
        return RunQueued(run_id=row.id)

    @get(bp, "/v1/runs/<run_id>", roles=("expert", "admin"), answer=RunShown)
    def show(call: Read, run_id: str) -> RunShown:
        with call.read() as session: ...

* `write`: one transaction, idempotent by the body's event id, the stored answer for a repeat. No network
  inside.
* `put`: says how something stands now (`schemas.PutBody`, no event id); one transaction, no event is kept.
* `call_engine`: for writes that talk to the engine; the view opens its own short transactions and must be
  safe to repeat.
* `get`: reads; `query=SomeQuery` adds checked query parameters as `call.query`.
* `own={"visitor": SmallerBody}`: what a role may say where it may say less; its other fields are refused
  (422).
* `admin` may do everything, `expert` whatever `agent` may. `visitor` is held to its own conversation.
* Raise errors of `feedback/errors.py`; NotFound("run", run_id) becomes 404 `run_not_found`.
"""
