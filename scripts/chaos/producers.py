"""Who puts jobs into the queue, over HTTP and with BullMQ's own client, and knows which were accepted."""

import asyncio
import json
import time

from bullmq import Queue


class Job:
    """What is known of one job from outside of Redis."""

    def __init__(self, number, way, milliseconds):
        self.number, self.way = number, way
        self.id = None if way != "bullmq" else f"chaos-{number:06d}"
        self.accepted_at = None
        # Two answers to one question must be one answer.
        self.answers = []
        self.problems = []
        # Its output names the job and this execution: when it began, by the host's clock, and a random number.
        code = f'began=$EPOCHREALTIME; sleep {milliseconds / 1000:.3f}; echo "job {number} $began $SRANDOM"'
        self.request = {"language": "bash", "code": code}

    def accepted(self, id):
        if self.accepted_at is not None and id != self.id:
            self.problems.append(f"one key, two jobs: {self.id} and {id}")
        self.id = id
        self.accepted_at = self.accepted_at or time.time()

    def answered(self, result):
        if result not in self.answers:
            self.answers.append(result)


async def http(port, method, path, body=None, headers=()):
    """One request over a connection of its own.
    Returns status and JSON; raises OSError where there is no whole answer."""
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 5)
    try:
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "host: localhost", "connection: close", f"content-length: {len(data)}"]
        lines += ["content-type: application/json", *headers]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        answer = await asyncio.wait_for(reader.read(-1), 60)
    except asyncio.TimeoutError:
        raise OSError("no answer in time") from None
    finally:
        writer.close()
    head, separator, text = answer.partition(b"\r\n\r\n")
    if not separator:
        raise OSError("no answer")
    try:
        return int(head.split()[1]), json.loads(text)
    except ValueError:
        raise OSError("half an answer") from None


class Producers:
    def __init__(self, seed, api_port, bullmq_port, queue_name):
        self.seed, self.api_port, self.queue_name = seed, api_port, queue_name
        self.url = f"redis://127.0.0.1:{bullmq_port}"
        self.queues = asyncio.Queue()
        for _ in range(4):
            self.queues.put_nowait(None)
        self.is_over = False

    async def produce(self, job):
        if job.way == "bullmq":
            await self.add_by_bullmq(job)
        else:
            await self.add_over_http(job)
            await self.follow(job)

    async def add_over_http(self, job):
        headers = [f"idempotency-key: chaos-{self.seed}-{job.number}"]
        path = "/api/jobs"
        if job.way != "jobs":
            path = "/api/execute"
            headers.append("prefer: " + ("respond-async" if job.way == "async" else "wait=5"))
        # Every seventh is sent again although it was accepted.
        again = job.number % 7 == 0
        while not self.is_over:
            try:
                status, answer = await http(self.api_port(), "POST", path, job.request, headers)
            except OSError:
                await asyncio.sleep(0.2)
                continue
            if status in (200, 202):
                job.accepted(answer["id"])
                if status == 200:
                    job.answered(answer)
                if not again:
                    return
                again = False
            elif status in (429, 503):
                await asyncio.sleep(0.3)
            else:
                job.problems.append(f"POST answered {status}: {answer.get('detail')}")
                return

    async def follow(self, job):
        """Asks for the result until it is there, and once more."""
        while job.id is not None and not self.is_over:
            await asyncio.sleep(0.5 if not job.answers else 0.1)
            try:
                status, answer = await http(self.api_port(), "GET", f"/api/jobs/{job.id}")
            except OSError:
                continue
            if status == 404:
                job.problems.append("accepted, and then 404")
                return
            if status == 200 and answer["result"]:
                seen = len(job.answers)
                job.answered(answer["result"])
                if seen:
                    return
            elif status == 200 and job.answers:
                job.problems.append("answered, and then not finished")
                return

    async def add_by_bullmq(self, job):
        """Under an id of its own, so that asking again after a fault adds no second job."""
        queue = await self.queues.get()
        try:
            while not self.is_over:
                try:
                    queue = queue or Queue(self.queue_name, {"connection": self.url})
                    added = await asyncio.wait_for(queue.add("execute", job.request, {"jobId": job.id}), 5)
                    job.accepted(added.id)
                    return
                except Exception:  # noqa: BLE001 - whatever the client raises while Redis is harmed, it was not accepted
                    await self.give_up(queue)
                    queue = None
                    await asyncio.sleep(0.2)
        finally:
            self.queues.put_nowait(queue)

    async def give_up(self, queue):
        try:
            if queue:
                await asyncio.wait_for(queue.close(), 1)
        except Exception:  # noqa: BLE001 - it is broken, which is why it is given up
            return

    async def close(self):
        self.is_over = True
        while not self.queues.empty():
            await self.give_up(self.queues.get_nowait())
