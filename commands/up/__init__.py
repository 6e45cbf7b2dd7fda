"""`rejoinder up` and the processes it keeps: engine, web and trainer."""
