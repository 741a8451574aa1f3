"""Producers, workers and a Redis as real processes, and everything that may end or harm one of them, at random times.

A checker that knows every accepted job then says what became of each. Exit 1 on a breach. `make chaos`; the environment:
  CHAOS_JOBS     how many jobs (300)
  CHAOS_SECONDS  over how long jobs are made, at least, and faults go on (60, or as long as 20 jobs a second take)
  CHAOS_SEED     the same schedule again (random, and printed)
  CHAOS_WORKERS, CHAOS_SLOTS   workers, and how many jobs each runs at once (3 and 2)
  CHAOS_LOCK, CHAOS_SWEEP      the workers' lock and sweep in seconds (5 and 1; 15 and 5 are the product's own)
  CHAOS_FSYNC    Redis's appendfsync (always); with everysec what gets lost is measured, and no breach
  CHAOS_ONLY     only faults whose name holds this word
  CHAOS_REPORT   a file for the table, beside standard output
  CHAOS_KEEP     a folder for the logs, which are removed otherwise
"""

import asyncio
import collections
import os
import pathlib
import random
import signal
import socket
import sys
import tempfile
import time
import traceback

import redis.asyncio

import processes
from checker import Checker, Evidence
from processes import Child, Host, Redis
from producers import Job, Producers
from proxy import Proxy

HERE = pathlib.Path(__file__).resolve().parent

# One of each before any comes again.
WORKER_FAULTS = ["kill worker", "kill worker", "kill launcher", "kill both", "stop worker", "stop worker", "kill api"]
REDIS_FAULTS = [
    "power cut", "power cut", "stop redis", "cut all", "cut one", "stall all", "stall one", "refuse all", "tear replies",
    "tear replies", "tear requests", "read-only", "no replicas", "out of memory", "forget scripts", "away longer than a lock",
]


def number(name, standard):
    return int(os.environ.get(name) or standard)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def schedule(seed, stream, faults, workers, lock, sweep):
    """What happens when, without end: (second, fault, worker, duration), from the seed alone."""
    dice = random.Random(f"{seed} {stream}")
    deck, at = [], 1.0
    while faults:
        if not deck:
            deck = dice.sample(faults, len(faults))
        fault = deck.pop()
        # Shorter than what is left of a lock that was renewed in time, but for two that mean to outlast it.
        length = dice.uniform(0.2, lock / 5)
        if fault == "stop worker":
            length = lock + sweep + dice.uniform(0.5, 1.5)
        elif fault == "away longer than a lock":
            length = lock + dice.uniform(0.2, 1)
        # The longer a lock, the longer is a worker out of action.
        at += dice.uniform(0.5, 1.5) * (max(4, lock / 2) if stream == "worker" else 3)
        yield at, fault, dice.randrange(workers), length
        at += length if stream == "redis" else 0


class Chaos:
    def __init__(self):
        self.jobs = number("CHAOS_JOBS", 300)
        self.seconds = number("CHAOS_SECONDS", max(60, self.jobs // 20))
        self.seed = number("CHAOS_SEED", random.SystemRandom().randrange(1_000_000))
        self.workers, self.slots = number("CHAOS_WORKERS", 3), number("CHAOS_SLOTS", 2)
        self.lock, self.sweep = number("CHAOS_LOCK", 5), number("CHAOS_SWEEP", 1)
        self.fsync = os.environ.get("CHAOS_FSYNC") or "always"
        self.binaries = pathlib.Path(os.environ["CHAOS_BINARIES"]).resolve()
        self.folder = pathlib.Path(os.environ.get("CHAOS_KEEP") or tempfile.mkdtemp(prefix="bulkhead-chaos-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.queue = f"chaos-{self.seed}"
        self.base = f"bull:{self.queue}:"
        self.host = Host()
        self.all_made, self.redis_is_harmed = asyncio.Event(), asyncio.Lock()
        self.harm, self.tasks, self.fleet, self.api = [], [], [], None

    def say(self, text):
        print(f"[{time.time() - self.began:7.2f}] {text}", file=sys.stderr, flush=True)

    # Starting

    def child(self, name, command, proxy, ready):
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
            "REDIS_URL": f"redis://127.0.0.1:{proxy.port}", "BULKHEAD_QUEUE_NAME": self.queue,
            "BULKHEAD_LOCK_DURATION": str(self.lock), "BULKHEAD_STALLED_INTERVAL": str(self.sweep),
        }
        for kept in ("LD_LIBRARY_PATH", "BULKHEAD_STATE_DIR", "BULKHEAD_POLICIES"):
            if kept in os.environ:
                environment[kept] = os.environ[kept]
        return Child(name, command, environment, self.folder, ready)

    async def start(self):
        processes.adopt_orphans()
        self.redis = Redis(self.folder / "redis", free_port(), self.fsync, os.environ["CHAOS_SHIM"])
        await self.redis.start()
        # So that no event is forgotten before it was checked.
        await self.redis.command("HSET", self.base + "meta", "opts.maxLenEvents", "100000000")
        names = ["api", *(f"worker-{index}" for index in range(self.workers)), "bullmq"]
        self.proxies = {name: await Proxy(self.redis.port, f"{self.seed} {name}").start() for name in names}
        self.port = free_port()
        self.api = self.child(
            "api", [self.binaries / "bulkhead", "api", "--port", str(self.port), "--max-queued", "5000"],
            self.proxies["api"], "serving")
        # Each on a host of its own, as far as its name goes: results say who ran them.
        self.fleet = [
            self.child(
                name, ["unshare", "--uts", "--", "sh", "-c", 'hostname "$1" && shift && exec "$@"', "sh", name,
                       self.binaries / "bulkhead", "worker", "--slots", str(self.slots)],
                self.proxies[name], r"\] working")
            for name in names[1:-1]]
        for one in [self.api, *self.fleet]:
            self.tasks.append(asyncio.create_task(one.keep()))
        self.tasks.append(asyncio.create_task(self.host.watch(self.roots)))
        await asyncio.wait_for(asyncio.gather(*(one.up.wait() for one in [self.api, *self.fleet])), 120)

    def roots(self):
        living = [self.redis.process, self.api.process, *(one.process for one in self.fleet)]
        return {process.pid for process in living if process}

    # Harming

    def note(self, kind, at, slots=0, log=None, is_redis=False):
        self.harm.append(
            {"kind": kind, "at": at, "until": time.time(), "slots": slots, "log": log, "redis": is_redis})

    async def harm_worker(self, fault, target, length):
        child = self.api if fault == "kill api" else self.fleet[target]
        await asyncio.wait_for(child.up.wait(), 60)
        # A worker that dies without a job shows little.
        deadline = time.time() + 2
        while fault != "kill api" and not child.held() and time.time() < deadline:
            await asyncio.sleep(0.02)
        process, log, at = child.process, child.log.name, time.time()
        if fault == "stop worker":
            process.send_signal(signal.SIGSTOP)
            await self.until_another_has(child.held(), at, at + length)
            process.send_signal(signal.SIGCONT)
            self.note(fault, at, self.slots, log)
            return
        child.is_harmed = True
        launchers = [one.pid for one in processes.descendants(process.pid, processes.table())
                     if one.parent == process.pid and one.name == "bulkhead-launch"]
        victims = {"kill launcher": launchers, "kill both": launchers + [process.pid]}.get(fault, [process.pid])
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        self.note(fault, at, 0 if fault == "kill api" else self.slots, log)

    async def until_another_has(self, ids, since, until):
        """Returns when another worker has begun one of the jobs: who wakes up then finds the job running, and not its own."""
        last = f"{int(since * 1000)}-0"
        while time.time() < until:
            await asyncio.sleep(0.02)
            try:
                page = await self.redis.command("XRANGE", self.base + "events", "(" + last, "+", "COUNT", 1000)
            except redis.exceptions.RedisError:
                # Another fault at the same time.
                continue
            for last, fields in page:
                fields = dict(zip(fields[::2], fields[1::2])) if isinstance(fields, list) else fields
                if fields["event"] == "active" and fields["jobId"] in ids:
                    return

    async def harm_redis(self, fault, target, length):
        # One at a time: a Redis with much to load may not be back when the next is due.
        async with self.redis_is_harmed:
            await self.harm_redis_alone(fault, target, length)

    async def harm_redis_alone(self, fault, target, length):
        some = list(self.proxies.values())
        if fault.endswith(" one"):
            some = [self.proxies[f"worker-{target}"]]
        at = time.time()
        if fault in ("power cut", "away longer than a lock"):
            await self.redis.kill()
            await asyncio.sleep(length)
            await self.redis.start()
        elif fault == "stop redis":
            self.redis.signal(signal.SIGSTOP)
            await asyncio.sleep(length)
            self.redis.signal(signal.SIGCONT)
        elif fault.startswith("cut"):
            for proxy in some:
                proxy.cut()
        elif fault.startswith("stall"):
            for proxy in some:
                proxy.flows.clear()
            await asyncio.sleep(length)
        elif fault.startswith("refuse"):
            for proxy in some:
                proxy.close()
            await asyncio.sleep(length)
        elif fault.startswith("tear"):
            for proxy in some:
                proxy.tears["reply" if fault == "tear replies" else "request"] = 2
            await asyncio.sleep(length)
        elif fault == "forget scripts":
            await self.redis.command("SCRIPT", "FLUSH")
        else:
            on, off = {
                "read-only": (("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
                "no replicas": (("CONFIG", "SET", "min-replicas-to-write", "1"),
                                ("CONFIG", "SET", "min-replicas-to-write", "0")),
                "out of memory": (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
            }[fault]
            await self.redis.command(*on)
            await asyncio.sleep(length)
            await self.redis.command(*off)
        for proxy in some:
            proxy.heal()
        # Every lock runs out while nobody can renew one.
        slots = self.workers * self.slots if fault == "away longer than a lock" else 0
        self.note(fault, at, slots, is_redis=True)

    async def harm_all(self, began, stream, faults, harm):
        """Goes on until all jobs are made; what was begun by then is ended."""
        running = []
        plan = schedule(self.seed, stream, faults, self.workers, self.lock, self.sweep)
        for at, fault, target, length in plan:
            try:
                await asyncio.wait_for(self.all_made.wait(), max(0, began + at - time.time()))
                break
            except asyncio.TimeoutError:
                which = f" {target}" if stream == "worker" or fault.endswith(" one") else ""
                self.say(f"{fault}{which}, {length:.1f} s")
                for task in running:
                    if task.done():
                        # A fault that could not be done ends the run.
                        task.result()
                running.append(asyncio.create_task(harm(fault, target, length)))
        await asyncio.gather(*running)

    # Running

    async def produce_all(self, began, harming):
        dice = random.Random(f"{self.seed} jobs")
        room = asyncio.Semaphore(500)
        producers = Producers(self.seed, lambda: self.port, self.proxies["bullmq"].port, self.queue)
        # Of 20,000 less than 10,000 over HTTP: only so many of those are kept when they are done.
        jobs = [Job(one, dice.choice(["jobs", "async", "wait", *["bullmq"] * 4]), dice.uniform(50, 300))
                for one in range(self.jobs)]

        async def one(job):
            async with room:
                await producers.produce(job)

        tasks = []
        for index, job in enumerate(jobs):
            await asyncio.sleep(max(0, began + index * self.seconds / self.jobs - time.time()))
            while room.locked():
                await asyncio.sleep(0.05)
                for task in harming:
                    if task.done():
                        task.result()
            tasks.append(asyncio.create_task(one(job)))
            if index % 1000 == 999:
                self.say(f"{index + 1} jobs made")
        return jobs, producers, tasks

    async def settle(self, tasks):
        """Until every producer is content and nothing waits or runs any more, or nothing moves for too long."""
        patience = 3 * (self.lock + self.sweep) + 30
        last, moved = None, time.time()
        while time.time() - moved < patience:
            left = 0
            for kind, key in (("LLEN", "wait"), ("LLEN", "active"), ("ZCARD", "delayed"), ("ZCARD", "prioritized")):
                left += int(await self.redis.command(kind, self.base + key))
            unanswered = sum(not task.done() for task in tasks)
            if left == 0 and unanswered == 0:
                return
            if (left, unanswered) != last:
                last, moved = (left, unanswered), time.time()
            await asyncio.sleep(0.2)
        self.say(f"still unfinished: {last[0]} in Redis, {last[1]} at producers")

    async def run(self):
        self.began = time.time()
        self.say(f"seed {self.seed}: {self.jobs} jobs within {self.seconds} s; {self.workers} workers of {self.slots} "
                 f"slots; lock {self.lock} s, sweep {self.sweep} s; appendfsync {self.fsync}")
        await self.start()
        self.say("all up")
        began = time.time()
        only = os.environ.get("CHAOS_ONLY") or ""
        harming = [
            asyncio.create_task(self.harm_all(began, stream, [fault for fault in faults if only in fault], harm))
            for stream, faults, harm in (
                ("worker", WORKER_FAULTS, self.harm_worker), ("redis", REDIS_FAULTS, self.harm_redis))]
        jobs, producers, tasks = await self.produce_all(began, harming)
        self.all_made.set()
        await asyncio.gather(*harming)
        self.say("no more faults")
        await self.settle(tasks)
        await producers.close()
        await asyncio.gather(*tasks)
        return await self.judge(jobs)

    async def judge(self, jobs):
        evidence = Evidence()
        evidence.jobs, evidence.harm, evidence.fsync = jobs, self.harm, self.fsync
        evidence.lock, evidence.sweep = self.lock, self.sweep
        for problem in await asyncio.gather(*(one.stop() for one in [*self.fleet, self.api])):
            evidence.unasked += [problem] if problem else []
        for one in [self.api, *self.fleet]:
            evidence.unasked += one.unasked
        async with redis.asyncio.Redis(port=self.redis.port, decode_responses=True, socket_timeout=60) as client:
            await evidence.read(client, self.base)
        evidence.read_logs(self.folder)
        evidence.left_overs = await self.host.left_overs(self.instances(), self.roots())
        evidence.longest_left_over = self.host.longest
        self.say("stopped")
        checker = Checker(evidence)
        is_sound = checker.check()
        kinds = collections.Counter(one["kind"] for one in self.harm)
        said = f"seed {self.seed}, {self.workers} workers of {self.slots} slots, lock {self.lock} s, sweep {self.sweep} s, "
        said += f"appendfsync {self.fsync}, {time.time() - self.began:.0f} s\n\nFaults: "
        said += ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
        said += f" ({sum(proxy.torn for proxy in self.proxies.values())} torn)"
        text = f"{said}\n\n{checker.table()}"
        print(text, flush=True)
        if os.environ.get("CHAOS_REPORT"):
            pathlib.Path(os.environ["CHAOS_REPORT"]).write_text(text + "\n", encoding="utf-8")
        return is_sound

    def instances(self):
        """The instances of this host that our workers were."""
        found = set()
        for path in self.folder.glob("worker-*.log"):
            for line in path.read_text(errors="replace").splitlines():
                if line.endswith("] working") and "uid=" in line:
                    user = int(line.split("uid=")[1].split()[0])
                    found.add((user - processes.FIRST_UID) // processes.UIDS)
        return found

    async def close(self):
        """Whatever happened, nothing of ours goes on."""
        for task in self.tasks:
            task.cancel()
        for one in processes.descendants(os.getpid(), processes.table()):
            try:
                os.kill(one.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if not os.environ.get("CHAOS_KEEP"):
            processes.remove(self.folder)


async def main():
    chaos = Chaos()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    is_sound = False
    try:
        is_sound = await chaos.run()
    except BaseException:
        traceback.print_exc()
        for one in filter(lambda child: child and child.log, [chaos.api, *chaos.fleet]):
            print(one.log, *one.log.read_text(errors="replace").splitlines()[-5:], sep="\n  ", file=sys.stderr)
    finally:
        await chaos.close()
    # Without waiting for clients that still try to reach their Redis.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if is_sound else 1)


if __name__ == "__main__":
    asyncio.run(main())
