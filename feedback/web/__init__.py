"""The web server: reads requests and lets readers wait without threads, around the Flask application.

    server.py        the listening process: uvicorn with the guards below, its start and its end
    slow_clients.py  connections: a head within ten seconds, an answer that is taken
    bodies.py        bodies: at least a kilobyte a second, and none larger than its caller may send
    front.py         which pool of threads answers a request, and what happens when it waits
    reader.py        one reader who waits
    wsgi.py          one call of the Flask application, in a thread
    pools.py         the threads, apart by what they do
    waiting.py       what a view says of its answer: which topic may bring the next one
    wakeups.py       who waits for which topic
    places.py        how many waits one visitor, address or person may hold
    limits.py        how many calls somebody without a token may make, counted in windows.py by addresses.py
    peers.py         whether all callers come through one proxy that the settings do not name
    events.py        server-sent events
    releaser.py      lets a held reply go to its customer once the undo window is over
    running.py       the front with what wakes it:
    signals.py       topics from and to the other web processes on the same store
    net.py           the poll every second that finds what no signal told

Why it is built so: docs/decisions/0009-waiting-holds-no-thread.md.
"""
