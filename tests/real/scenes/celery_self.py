"""A worker of celery whose only task waits for another one that only this worker could do."""
import os

from celery import Celery, signals

app = Celery("scene", broker="memory://", backend="cache+memory://")


@app.task
def inner():
    return 42


@app.task
def outer():
    result = inner.delay()
    os.write(1, b"\n")  # print goes into celery's log
    return result.get(disable_sync_subtasks=False)


signals.worker_ready.connect(lambda **_: outer.delay(), weak=False)
app.worker_main(["-q", "worker", "-P", "solo", "--without-heartbeat", "--without-gossip", "--without-mingle"])
