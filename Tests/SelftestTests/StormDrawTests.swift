import Foundation
import Jobs
import Testing

@testable import Selftest

@Suite("Drawing a storm")
struct StormDrawTests {
    static func draw(seed: UInt64, timeScale: Int = 1) throws -> StormDraw {
        let table = """
            [{"group":"g","name":"quiet","mode":"alone","what":"w","cpuPercent":0,"harmful":false},
             {"group":"g","name":"few","mode":"alone","what":"w","limits":"processes=32","cpuPercent":0,"harmful":false},
             {"group":"g","name":"spin","mode":"verdict","what":"w","expect":"cpu_time_limit","limits":"cpu=200",
              "cpuPercent":0,"harmful":true},
             {"group":"g","name":"two","mode":"pair","what":"w","cpuPercent":0,"harmful":false},
             {"group":"g","name":"tree","mode":"collect","what":"w","expect":"ok","collect":"out/**","cpuPercent":0,
              "harmful":true},
             {"group":"g","name":"bomb","mode":"source","what":"w","expect":"compile_error","limits":"wall=3000 cpu=1000",
              "language":"c","source":"x","cpuPercent":0,"harmful":true}]
            """
        return StormDraw(
            seed: seed, attacks: try JSONDecoder().decode([Attack].self, from: Data(table.utf8)), cores: 2,
            maxima: .maximum(cores: 2), timeScale: timeScale)
    }

    @Test("one seed is one storm, whichever of its jobs are asked for, and another seed is another")
    func determinism() throws {
        let first = try Self.draw(seed: 7)
        let again = try Self.draw(seed: 7)
        let other = try Self.draw(seed: 8)
        #expect(try first.job(123).text == again.job(123).text)
        let texts = try (0..<200).map { try first.job($0).text }
        #expect(try texts == (0..<200).reversed().map { try again.job($0).text }.reversed())
        #expect(try texts != (0..<200).map { try other.job($0).text })
        #expect(Set(texts).count == 200)
    }

    @Test("no draw is content with any answer: few statuses are right for each, a failure of the engine for none")
    func tightness() throws {
        let draw = try Self.draw(seed: 1)
        var single = 0
        var seen: Set<String> = []
        for index in 0..<5_000 {
            let job = try draw.job(index)
            let right = Set(
                job.natural.union(job.early).compactMap { $0.split(separator: " ").first.map(String.init) })
            #expect((1...4).contains(right.count), "\(job.text): \(job.expectation)")
            #expect(right.isSubset(of: Status.allCases.map(\.rawValue)), "\(job.expectation)")
            #expect(right.isDisjoint(with: ["internal_error", "expired"]), "\(job.text)")
            if right.count == 1 { single += 1 }
            seen.formUnion(right)
            // What is asked for is something that can be had.
            let limits = job.limits
            #expect(limits.largest(.maximum(cores: 2)) == .maximum(cores: 2), "\(job.text)")
            #expect(limits.wallTimeMs > 0 && limits.cpuTimeMs > 0 && limits.memoryBytes > 0 && limits.outputBytes > 0)
        }
        #expect(single > 2_000)
        #expect(seen.count == Status.allCases.count - 2)
    }

    @Test("only a host said to be slow may run into the time that every job has besides")
    func slowHosts() throws {
        let (fast, slow) = (try Self.draw(seed: 3), try Self.draw(seed: 3, timeScale: 10))
        var timed = 0
        for index in 0..<500 {
            if try fast.job(index).allowsTime { timed += 1 }
            #expect(try slow.job(index).allowsTime)
        }
        #expect(timed < 300)
    }

    @Test("an attack that sets its own number of processes is not given fewer")
    func ownLimits() throws {
        let draw = try Self.draw(seed: 5)
        for job in try (0..<2_000).map({ try draw.job($0) }) where job.name == "few" {
            #expect(job.limits.processes == 32)
        }
    }
}

extension StormJob {
    fileprivate var allowsTime: Bool {
        natural.union(early).contains("wall_time_limit") || natural.union(early).contains("cpu_time_limit")
    }
}
