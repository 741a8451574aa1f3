"""Holds what Redis and the workers' logs say against what is known from outside, and makes the table."""

import collections
import json
import re
import statistics

import processes


class Evidence:
    """Everything that is known once all is quiet."""

    def __init__(self):
        self.jobs, self.harm, self.logs = [], [], {}
        self.events = collections.defaultdict(list)
        self.hashes = {}
        self.left_overs, self.unasked = [], []
        self.longest_left_over = 0.0
        self.lock = self.sweep = 0
        self.fsync = "always"

    async def read(self, redis, base):
        """Reads all events and all jobs; the stream was told to forget none."""
        last = "-"
        while page := await redis.execute_command("XRANGE", base + "events", last, "+", "COUNT", 5000):
            for id, fields in page:
                if isinstance(fields, list):
                    fields = dict(zip(fields[::2], fields[1::2]))
                if "jobId" in fields:
                    self.events[fields["jobId"]].append((int(id.split("-")[0]) / 1000, fields))
            last = "(" + page[-1][0]
        for job in self.jobs:
            if job.id:
                self.hashes[job.id] = await redis.hgetall(base + job.id)

    def read_logs(self, folder):
        """By process: the jobs it began, those it ended, and the results that it was refused."""
        self.logs = {path.name: processes.jobs_in(path) for path in folder.glob("worker-*.log")}


class Checker:
    def __init__(self, evidence):
        self.evidence = evidence
        self.rows = []
        self.details = []

    def row(self, what, value, bound=None, breach=False):
        self.rows.append((what, value, bound, breach))

    def zero(self, what, problems, matters=True):
        self.row(what, len(problems), "0" if matters else "measured", bool(problems) and matters)
        self.details += [f"{what}: {problem}" for problem in problems[:10]]

    def check(self):
        evidence = self.evidence
        is_strict = evidence.fsync == "always"
        accepted = [job for job in evidence.jobs if job.accepted_at is not None]
        self.row("jobs accepted", len(accepted), f"{len(evidence.jobs)}", is_strict and len(accepted) != len(evidence.jobs))

        lost, twice, wrong, fenced, failed = [], [], [], [], []
        ends = collections.Counter()
        for job in accepted:
            finals = [at for at in evidence.events[job.id] if at[1]["event"] in ("completed", "failed")]
            fields = evidence.hashes[job.id]
            if not finals or not fields.get("finishedOn"):
                lost.append(f"{job.id} ({job.way}): finals {len(finals)}, hash {sorted(fields)}")
                continue
            result = json.loads(fields.get("returnvalue") or fields.get("result") or "null")
            answers = job.answers + ([] if result is None or result in job.answers else [result])
            if len(finals) > 1 or len(answers) > 1:
                twice.append(f"{job.id} ({job.way}): {len(finals)} events, {len(answers)} answers")
                continue
            reason = fields.get("failedReason")
            if reason is not None and "returnvalue" not in fields:
                stalled = "stalled more than" in reason
                ends["failed for stalling twice" if stalled else "failed otherwise"] += 1
                if not stalled:
                    failed.append(f"{job.id}: {reason}")
            else:
                ends["completed"] += 1
                if not re.fullmatch(rf"job {job.number} [0-9.]+ [0-9]+\n", result["stdout"]):
                    wrong.append(f"{job.id}: {result['status']} {result['stdout']!r}")
                else:
                    problem = self.fencing_problem(job, result, fields)
                    if problem:
                        fenced.append(f"{job.id}: {problem}")
        self.zero("accepted and lost", lost, is_strict)
        self.zero("two final results", twice, is_strict)
        self.zero("results from a fenced worker", fenced, is_strict)
        self.row("results of fenced workers that were refused", sum(log[2] for log in evidence.logs.values()))
        self.zero("wrong answers", wrong)
        self.zero("contradictions seen by a producer", [
            f"{job.id} ({job.way}): {problem}" for job in evidence.jobs for problem in job.problems], is_strict)
        for what in ("completed", "failed for stalling twice"):
            self.row(what, ends[what])
        self.zero("failed otherwise", failed)
        self.executions(accepted, is_strict)
        self.zero("processes that ended unasked", evidence.unasked)
        self.zero("orphans on the host", evidence.left_overs)
        self.row("longest that anything outlived its worker", f"at most {evidence.longest_left_over:.2f} s")
        self.retries(accepted, is_strict)
        return not any(breach for *_, breach in self.rows)

    def fencing_problem(self, job, result, fields):
        """Whether the result is that of the worker which held the job when it was written, by three kinds of evidence."""
        history = [(at, one["event"]) for at, one in self.evidence.events[job.id]]
        taken = [at for at, event in history if event == "active"]
        before = [event for _, event in history if event in ("active", "stalled", "completed", "failed")]
        if len(before) < 2 or before[-2] != "active":
            return f"not held when it was written: {before}"
        if result["attempt"] != len(taken) or result["attempt"] != int(fields["ats"]):
            return f"result of attempt {result['attempt']}, taken {len(taken)} times, ats {fields['ats']}"
        if result["worker"] != fields["pb"]:
            return f"result of {result['worker']}, taken last by {fields['pb']}"
        # The program says itself when it ran; the clock is the host's, and events have whole milliseconds.
        began = float(result["stdout"].split()[2])
        if began < taken[-1] - 0.002:
            return f"ran at {began:.3f}, taken at {taken[-1]:.3f}"
        begun = [name for name, log in self.evidence.logs.items()
                 if (job.id, result["attempt"]) in log[0] and name.startswith(result["worker"] + ".")]
        return None if len(begun) == 1 else f"begun by {begun or 'nobody'}"

    def executions(self, accepted, is_strict):
        evidence = self.evidence
        begun = collections.Counter(id for log in evidence.logs.values() for id, _ in log[0])
        ids = {job.id for job in accepted}
        again = sum(count - 1 for id, count in begun.items() if id in ids)
        bound = sum(one["slots"] for one in evidence.harm)
        self.row("executions", sum(begun[id] for id in ids))
        self.row("executions beyond the first", again, f"<= {bound}" if is_strict else "measured",
                 is_strict and again > bound)
        unknown = [id for id in begun if id not in ids]
        self.zero("executions of jobs that nobody knows", unknown, is_strict)

    def retries(self, accepted, is_strict):
        """From a worker's death to the next execution of the jobs that it held."""
        evidence = self.evidence
        times, late = [], []
        for one in evidence.harm:
            if one["kind"] not in ("kill worker", "kill launcher", "kill both"):
                continue
            begun, ended, _ = evidence.logs[one["log"]]
            for id in {id for id, _ in begun} - ended:
                events = [at for at, fields in evidence.events.get(id, [])
                          if fields["event"] in ("active", "completed", "failed") and at > one["at"]]
                if not events:
                    # Its result was stored, and only the log's line was not written any more.
                    continue
                taken = events[0] - one["at"]
                times.append(taken)
                # While Redis is away nobody finds anything, and for as long again clients may keep off.
                away = sum(2 * (other["until"] - other["at"]) for other in evidence.harm
                           if other["redis"] and other["until"] > one["at"] and other["at"] < events[0])
                if taken > evidence.lock + evidence.sweep + away + 1:
                    late.append(f"{id}: {taken:.1f} s after {one['kind']} ({away:.1f} s for Redis's faults)")
        if times:
            self.row("death to retry", f"p50 {statistics.median(times):.1f} s, max {max(times):.1f} s "
                     f"({len(times)} jobs)", f"<= {evidence.lock} s + {evidence.sweep} s + faults", False)
        self.zero("retries that came too late", late, is_strict)

    def table(self):
        lines = ["| what | seen | may be |", "|---|---|---|"]
        for what, value, bound, breach in self.rows:
            lines.append(f"| {what} | {value} | {bound or ''}{' **BREACH**' if breach else ''} |")
        return "\n".join(lines + [""] + [f"- {detail}" for detail in self.details])
