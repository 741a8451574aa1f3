import ArgumentParser
import Foundation
import Isolation
import JobQueue
import Logging
import RedisJobQueue
import Telemetry
import Worker

/// What the parts of a process have at the moment of a scrape, in Prometheus' words.
enum Figures {
    static func build() -> [Family] {
        [
            Family(
                "bulkhead_build_info", .gauge, help: "Always 1; the version is a label.", label: "version",
                values: [Bulkhead.configuration.version: 1])
        ]
    }

    /// The slots of an engine.
    static func slots(of engine: Engine) -> MetricsPage.Source {
        {
            let slots = await engine.slotFigures
            return [
                Family(
                    "bulkhead_slots", .gauge, help: "Slots for programs, by state.", label: "state",
                    values: [
                        "idle": Double(slots.idle), "taken": Double(slots.taken), "starting": Double(slots.starting),
                    ]),
                Family(
                    "bulkhead_slot_waiters", .gauge, help: "Jobs that wait for a slot.", value: slots.waiting),
                Family(
                    "bulkhead_slot_failures_total", .counter, help: "Slots that could not be set up.",
                    value: slots.setUpFailures),
                Family(
                    "bulkhead_ready_runtimes", .gauge,
                    help: "Idle slots in which a runtime is up, or comes up, ahead of its job.", value: slots.ready),
                Family(
                    "bulkhead_ready_runtime_jobs_total", .counter,
                    help: "Programs whose runtime can be started ahead, by whether it was up (hit) or not (miss).",
                    label: "result",
                    values: ["hit": Double(slots.readyHits), "miss": Double(slots.readyMisses)]),
            ]
        }
    }

    /// The compile cache and the memory budget of a runner; nothing for what it does without.
    static func resources(of runner: JobRunner, shares: MemorySettings.Shares?) -> MetricsPage.Source {
        {
            let figures = runner.figures
            var families: [Family] = []
            if let cache = figures.compileCache {
                families += [
                    Family(
                        "bulkhead_compile_cache_requests_total", .counter,
                        help: "Compilations, by whether an earlier one was used (hit) or a compiler was needed (miss).",
                        label: "result", values: ["hit": Double(cache.hits), "miss": Double(cache.misses)]),
                    Family(
                        "bulkhead_compile_cache_evictions_total", .counter,
                        help: "Compilations that made room for others.", value: cache.evictions),
                    Family(
                        "bulkhead_compile_cache_entries", .gauge, help: "Compilations that are kept.",
                        value: cache.entries),
                    Family("bulkhead_compile_cache_bytes", .gauge, help: "Bytes that they take.", value: cache.bytes),
                ]
            }
            if let memory = figures.memory, let shares {
                families += [
                    Family(
                        "bulkhead_memory_budget_bytes", .gauge,
                        help: "What the memory limits of all running programs may add up to.", value: shares.budget),
                    Family(
                        "bulkhead_memory_budget_taken_bytes", .gauge, help: "What they add up to.", value: memory.taken),
                    Family(
                        "bulkhead_memory_budget_peak_bytes", .gauge, help: "The most that they added up to at once.",
                        value: memory.peak),
                    Family(
                        "bulkhead_memory_budget_waiters", .gauge, help: "Programs that wait for memory of the budget.",
                        value: memory.waiting),
                    Family(
                        "bulkhead_memory_budget_waits_total", .counter,
                        help: "Programs that had to wait for memory of the budget.", value: memory.waits),
                ]
            }
            return families
        }
    }

    /// The queue of this process.
    static func queue(_ queue: EmbeddedJobQueue) -> MetricsPage.Source {
        {
            let counts = await queue.counts()
            let wait = await queue.longestWait()
            return Self.queue(waiting: counts.queued, running: counts.running, oldest: wait.map { $0 / .seconds(1) })
        }
    }

    /// The queue in Redis, as a whole: every process that shares it tells the same.
    static func queue(_ queue: RedisJobQueue, logger: Logger) -> MetricsPage.Source {
        {
            do {
                let status = try await queue.status()
                return Self.queue(
                    waiting: status.waiting + status.delayed, running: status.running,
                    oldest: status.nextAddedAt.map { -$0.timeIntervalSinceNow })
            } catch {
                // What is not known is left out: 0 would look like an empty queue.
                logger.debug("queue not looked at", metadata: ["reason": "\(error)"])
                return [reachable(false)]
            }
        }
    }

    private static func queue(waiting: Int, running: Int, oldest: Double?) -> [Family] {
        [
            reachable(true),
            Family(
                "bulkhead_queue_jobs", .gauge, help: "Unfinished jobs of the queue, by state.", label: "state",
                values: ["queued": Double(waiting), "running": Double(running)]),
            Family(
                "bulkhead_queue_oldest_job_age_seconds", .gauge,
                help: "Age of the job that has waited the longest (in Redis: of the one that is next); 0 for none.",
                value: max(0, oldest ?? 0)),
        ]
    }

    private static func reachable(_ isReachable: Bool) -> Family {
        Family(
            "bulkhead_queue_reachable", .gauge, help: "1 where the queue could be looked at for this answer, else 0.",
            value: isReachable ? 1 : 0)
    }
}
