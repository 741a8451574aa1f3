"""The processes of the chaos suite, and what is left of them on the host."""

import asyncio
import ctypes
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import redis.asyncio

PR_SET_CHILD_SUBREAPER = 36
# What a worker's log says of a job.
LINE = re.compile(r"attempt=(\d+) job=(\S+).*\] (job begun|job finished|job failed|job passed on|result refused)$")
FIRST_UID, UIDS = 1_900_000_000, 1_024


def adopt_orphans():
    """Makes this process the parent of all that its descendants leave behind: nothing of theirs can get lost on the host."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


class Entry:
    """One process as /proc shows it."""

    def __init__(self, pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            text = file.read()
        fields = text[text.rindex(")") + 2 :].split()
        self.pid, self.name = pid, text[text.index("(") + 1 : text.rindex(")")]
        self.state, self.parent, self.started = fields[0], int(fields[1]), fields[19]
        self.key = (pid, self.started)


def table():
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                found[int(name)] = Entry(int(name))
            except (OSError, ValueError):
                continue
    return found


def descendants(of, entries):
    children = {}
    for entry in entries.values():
        children.setdefault(entry.parent, []).append(entry)
    found, todo = [], [of]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child.pid)
    return found


def jobs_in(log):
    """From a worker's log: the jobs it began, each with its attempt, those it ended, how many results it was refused."""
    begun, ended, refused = [], set(), 0
    for line in log.read_text(errors="replace").splitlines():
        found = LINE.search(line)
        if not found:
            continue
        if found[3] == "job begun":
            begun.append((found[2], int(found[1])))
        else:
            ended.add(found[2])
            refused += found[3] == "result refused"
    return begun, ended, refused


class Child:
    """A process of ours, started again when it ends, each time with a log of its own."""

    def __init__(self, name, command, environment, folder, ready):
        self.name, self.command, self.environment = name, command, environment
        self.folder, self.ready = folder, re.compile(ready)
        self.process, self.number, self.log = None, 0, None
        self.is_stopping = self.is_harmed = False
        self.unasked = []
        self.up = asyncio.Event()

    def launch(self):
        self.number += 1
        self.log = self.folder / f"{self.name}.{self.number}.log"
        self.is_harmed = False
        with open(self.log, "wb") as output:
            self.process = subprocess.Popen(
                self.command, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    async def keep(self):
        """Starts it, and again after each end, as a supervisor would."""
        while not self.is_stopping:
            self.launch()
            while self.process.poll() is None and not self.ready.search(self.log.read_text(errors="replace")):
                await asyncio.sleep(0.05)
            self.up.set()
            while self.process.poll() is None:
                await asyncio.sleep(0.05)
            self.up.clear()
            if not self.is_harmed and not self.is_stopping:
                self.unasked.append(f"{self.log.name}: ended by itself with {self.process.returncode}")
                await asyncio.sleep(1)
            await asyncio.sleep(0.2)

    async def stop(self):
        """SIGTERM.
        Returns what is wrong with how it ended, or None."""
        self.is_stopping = True
        if self.process.poll() is not None:
            return None
        self.process.send_signal(signal.SIGTERM)
        for _ in range(1200):
            await asyncio.sleep(0.05)
            if self.process.poll() is not None:
                code = self.process.returncode
                return None if code == 0 else f"{self.log.name}: ended with {code} after SIGTERM"
        self.process.kill()
        return f"{self.log.name}: did not end after SIGTERM"

    def held(self):
        """The jobs that a worker has at this moment."""
        begun, ended, _ = jobs_in(self.log)
        return {id for id, _ in begun} - ended


class Redis:
    def __init__(self, folder, port, fsync, shim):
        self.folder, self.port, self.fsync, self.shim = folder, port, fsync, shim
        folder.mkdir()

    def launch(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
                 "--appendonly", "yes", "--appendfsync", self.fsync, "--maxmemory-policy", "noeviction"],
                env={**os.environ, "LD_PRELOAD": str(self.shim)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    async def start(self):
        self.launch()
        await self.until_there()

    async def until_there(self, limit=60):
        deadline = time.time() + limit
        while True:
            try:
                if await self.command("PING"):
                    return
            except redis.exceptions.RedisError:
                if time.time() > deadline or self.process.poll() is not None:
                    raise RuntimeError("Redis does not start") from None
            await asyncio.sleep(0.05)

    async def command(self, *words):
        async with redis.asyncio.Redis(port=self.port, decode_responses=True, socket_timeout=30) as client:
            return await client.execute_command(*words)

    def signal(self, number):
        self.process.send_signal(number)

    async def kill(self):
        """With the child that may be rewriting its file."""
        for one in descendants(self.process.pid, table()):
            os.kill(one.pid, signal.SIGKILL)
        self.process.kill()
        while self.process.poll() is None:
            await asyncio.sleep(0.01)


class Host:
    """Watches that nothing outlives the process it belongs to."""

    PATIENCE, INTERVAL = 10, 0.25

    def __init__(self):
        self.adopted = {}
        self.orphans = set()
        self.longest = 0.0
        self.roots = set()

    def look(self, roots):
        """Adopted processes: notes how long they live, reaps those that ended."""
        entries = table()
        own, now, seen = os.getpid(), time.time(), set()
        for entry in descendants(own, entries):
            if entry.parent != own or entry.pid in roots:
                continue
            if entry.state == "Z":
                try:
                    os.waitpid(entry.pid, os.WNOHANG)
                except ChildProcessError:
                    pass
                continue
            for one in [entry, *descendants(entry.pid, entries)]:
                if one.state == "Z":
                    continue
                seen.add(one.key)
                age = now - self.adopted.setdefault(one.key, now) + self.INTERVAL
                self.longest = max(self.longest, age)
                if age > self.PATIENCE:
                    self.orphans.add(f"process {one.name}[{one.pid}]")
        for key in set(self.adopted) - seen:
            del self.adopted[key]

    async def watch(self, roots):
        while True:
            self.look(roots())
            await asyncio.sleep(self.INTERVAL)

    async def left_overs(self, instances, roots):
        """What is left of instances that have ended: processes, control groups, mounts, folders."""
        for _ in range(int(self.PATIENCE / self.INTERVAL)):
            self.look(roots)
            if not self.adopted:
                break
            await asyncio.sleep(self.INTERVAL)
        left = [f"process {pid}" for pid, _ in self.adopted] + sorted(self.orphans)
        mounts = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        for number in sorted(instances):
            # Whoever else runs Bulkhead here may have the number by now.
            if subprocess.run(
                ["flock", "--shared", "--nonblock", f"/run/bulkhead/instances/i{number}.lock", "true"], check=False
            ).returncode:
                continue
            left += [f"mount {line}" for line in mounts if f"/run/bulkhead/instances/i{number}/" in line]
            folder = pathlib.Path(f"/run/bulkhead/instances/i{number}")
            left += [f"folder {folder}"] if folder.exists() else []
            found = subprocess.run(
                ["find", "/sys/fs/cgroup", "-maxdepth", "8", "-type", "d", "-name", f"bulkhead-i{number}"],
                capture_output=True, text=True, check=False).stdout
            left += [f"cgroup {line}" for line in found.splitlines()]
        return left


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
