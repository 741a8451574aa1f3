"""Empty jobs through this queue and through BullMQ's own client, in turns on one Redis; prints a table in Markdown."""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import redis
from bullmq import Queue, Worker
from bullmq.queue_events import QueueEvents

SETTINGS = {
    "off": ["--appendonly", "no"],
    "everysec": ["--appendonly", "yes", "--appendfsync", "everysec"],
    "always": ["--appendonly", "yes", "--appendfsync", "always"],
}


class Server:
    def __init__(self, folder, persistence):
        self.socket = os.path.join(folder, "redis.sock")
        self.url = f"unix://{self.socket}"
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", folder, "--save", ""]
            + ["--maxmemory-policy", "noeviction"] + SETTINGS[persistence],
            stdout=subprocess.DEVNULL,
        )
        self.client = redis.Redis(unix_socket_path=self.socket)
        for _ in range(200):
            try:
                self.client.ping()
                return
            except redis.ConnectionError:
                time.sleep(0.05)
        raise SystemExit("redis-server does not answer")

    def cpu(self):
        """Seconds of CPU time that Redis has used so far."""
        info = self.client.info("cpu")
        return info["used_cpu_user"] + info["used_cpu_sys"]

    def stop(self):
        self.process.terminate()
        self.process.wait()


async def bullmq(url, jobs, concurrency, trips):
    """The same three steps as `bulkhead queue bench`, with BullMQ's producer, worker and events."""
    name = f"bench-{os.urandom(8).hex()}"
    connection = {"connection": url}
    queue = Queue(name, connection)
    data = {"language": "python", "code": "pass"}
    keep = {"removeOnComplete": 1000}
    await queue.getJobCounts()

    async def lane(first):
        for _ in range(first, jobs, concurrency):
            await queue.add("execute", data, keep)

    start = time.monotonic()
    await asyncio.gather(*(lane(first) for first in range(concurrency)))
    added = jobs / (time.monotonic() - start)

    done, left = asyncio.Event(), jobs

    async def process(job, token):
        return {"status": "ok"}

    def completed(*_):
        nonlocal left
        left -= 1
        if left == 0:
            done.set()

    worker = Worker(name, process, {"connection": url, "concurrency": concurrency, "autorun": False})
    worker.on("completed", completed)
    start = time.monotonic()
    running = asyncio.ensure_future(worker.run())
    await done.wait()
    finished = jobs / (time.monotonic() - start)

    events = QueueEvents(name, connection)
    answers = {}
    events.on("completed", lambda event, _: answers.pop(event["jobId"]).set_result(None) if event["jobId"] in answers else None)
    await asyncio.sleep(0.5)
    times = []
    for number in range(trips):
        identity = f"trip-{number}"
        answers[identity] = answer = asyncio.get_running_loop().create_future()
        start = time.monotonic()
        await queue.add("execute", data, {**keep, "jobId": identity})
        await asyncio.wait_for(answer, 30)
        times.append((time.monotonic() - start) * 1000)
    await events.close()
    await worker.close(True)
    running.cancel()
    await queue.close()
    return {"addedPerSecond": added, "finishedPerSecond": finished, "roundTripP50Ms": statistics.median(times)}


def bulkhead(program, url, jobs, concurrency, workers, trips):
    command = [program, "queue", "bench", "--json", "--jobs", str(jobs), "--concurrency", str(concurrency)]
    command += ["--workers", str(workers), "--round-trips", str(trips)]
    out = subprocess.run(command, env={"REDIS_URL": url, "PATH": os.environ["PATH"]}, stdout=subprocess.PIPE, check=True)
    return json.loads(out.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bulkhead", help="the program")
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--trips", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--persistence", choices=SETTINGS, default="everysec")
    options = parser.parse_args()
    # As the last column says, each contender in turn within a round.
    shapes = [("bulkhead", 1, 1), ("BullMQ", 1, 1), ("bulkhead", 32, 1), ("BullMQ", 32, 1), ("bulkhead", 32, 4)]
    found = {shape: [] for shape in shapes}
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder, options.persistence)
        try:
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
                for shape in shapes:
                    who, concurrency, workers = shape
                    before = server.cpu()
                    if who == "BullMQ":
                        got = asyncio.run(bullmq(server.url, options.jobs, concurrency, options.trips))
                    else:
                        got = bulkhead(options.bulkhead, server.url, options.jobs, concurrency, workers, options.trips)
                    got["redis"] = (server.cpu() - before) / (options.jobs + options.trips) * 1e6
                    found[shape].append(got)
        finally:
            server.stop()
    version = subprocess.run(["redis-server", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[2]
    print(f"Medians of {options.rounds} rounds of {options.jobs} jobs; Redis {version[2:]}, appendfsync {options.persistence}\n")
    print("| | added /s | taken and finished /s | one job at a time, p50 | Redis CPU a job |")
    print("|---|---|---|---|---|")
    for (who, concurrency, workers), rows in found.items():
        def middle(key):
            return statistics.median(row[key] for row in rows)
        name = f"{who}, {workers} worker{'s' if workers > 1 else ''} × {concurrency}"
        print(
            f"| {name} | {middle('addedPerSecond'):.0f} | {middle('finishedPerSecond'):.0f}"
            f" | {middle('roundTripP50Ms'):.2f} ms | {middle('redis'):.0f} µs |"
        )


main()
