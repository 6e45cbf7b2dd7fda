"""`rejoinder up` and the processes that it supervises: engine, web and trainer."""
