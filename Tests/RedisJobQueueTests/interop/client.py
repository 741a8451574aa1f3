"""BullMQ's official client, driven by lines of JSON: {"do": ..., ...} in, {"ok": ...} or {"error": ...} out."""

import asyncio
import json
import sys

from bullmq import FlowProducer, Job, Queue, Worker
from bullmq.queue_events import QueueEvents

EVENTS = (
    "added waiting active completed failed delayed stalled drained paused resumed retries-exhausted duplicated removed"
)


class Client:
    def __init__(self, url, name):
        self.name = name
        self.connection = {"connection": url}
        self.queue = Queue(name, self.connection)
        self.listener = QueueEvents(name, self.connection)
        self.heard = []
        self.errors = []
        self.arrived = asyncio.Condition()
        self.worker = None
        self.blocked = asyncio.Event()
        for event in EVENTS.split():
            self.listener.on(event, lambda *given, event=event: self.hear(event, given))
        self.listener.on("error", lambda error: self.errors.append(str(error)))

    def hear(self, event, given):
        fields = given[0] if isinstance(given[0], dict) else {}
        self.heard.append({"event": event, **fields})
        asyncio.ensure_future(self.announce())

    async def announce(self):
        async with self.arrived:
            self.arrived.notify_all()

    async def add(self, name="execute", data=None, opts=None):
        job = await self.queue.add(name, {} if data is None else data, opts or {})
        return job.id

    async def hears(self, event, id):
        """The first such event of a job; waits for it."""

        def found():
            return next((one for one in self.heard if one["event"] == event and one.get("jobId") == id), None)

        async with self.arrived:
            await asyncio.wait_for(self.arrived.wait_for(found), 20)
        return found()

    async def events(self, id):
        return [one["event"] for one in self.heard if one.get("jobId") == id]

    async def job(self, id):
        job = await Job.fromId(self.queue, id)
        if job is None:
            return None
        return {
            "name": job.name,
            "data": job.data,
            "state": await job.getState(),
            "returnvalue": job.returnvalue,
            "failedReason": job.failedReason,
            "attemptsMade": job.attemptsMade,
            "stacktrace": job.stacktrace,
        }

    async def logs(self, id):
        return (await self.queue.getJobLogs(id))["logs"]

    async def note(self, id):
        """What another worker, or the producer, may write about a job."""
        job = await Job.fromId(self.queue, id)
        await job.log("by hand")
        await job.updateProgress({"by": "hand"})

    async def progress(self, id):
        return (await Job.fromId(self.queue, id)).progress

    async def counts(self):
        return await self.queue.getJobCounts(
            "completed", "failed", "wait", "active", "delayed", "prioritized", "paused"
        )

    async def pause(self):
        await self.queue.pause()

    async def resume(self):
        await self.queue.resume()

    async def retry(self, id):
        job = await Job.fromId(self.queue, id)
        await job.retry("failed")

    async def flow(self):
        """A parent with one child in the queue."""
        tree = {
            "name": "execute", "queueName": self.name, "data": {"language": "c", "code": "parent"},
            "children": [{"name": "execute", "queueName": self.name, "data": {"language": "c", "code": "child"}}],
        }
        flow = FlowProducer(self.connection)
        made = await flow.add(tree)
        await flow.close()
        return {"parent": made["job"].id, "child": made["children"][0]["job"].id}

    async def work(self, hangs=False):
        """Starts an official worker; one that hangs takes a job and is never heard of again."""

        async def process(job, token):
            if hangs:
                self.blocked.set()
                await asyncio.sleep(3600)
            return {"by": "bullmq", "id": job.id}

        self.worker = Worker(
            self.name, process, {**self.connection, "stalledInterval": 500, "lockDuration": 1000 if hangs else 30000}
        )
        if hangs:
            await asyncio.wait_for(self.blocked.wait(), 20)


async def main():
    client = Client(sys.argv[1], sys.argv[2])
    loop = asyncio.get_running_loop()
    # The listener reads from the stream's end: what is added before it got there is not heard.
    await asyncio.sleep(0.3)
    print(json.dumps({"ok": "ready"}), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        call = json.loads(line)
        try:
            answer = {"ok": await getattr(client, call.pop("do"))(**call)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}; errors heard: {client.errors}"}
        print(json.dumps(answer), flush=True)
    # A job that hangs must not hold up the end.
    import os

    os._exit(0)


asyncio.run(main())
