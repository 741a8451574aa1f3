import Testing

@testable import Worker

@Suite("Kept output of cases")
struct KeptOutputTests {
    private func bytes(_ count: Int, _ byte: UInt8 = 1) -> [UInt8] { Array(repeating: byte, count: count) }

    @Test(
        "what fits stays whole; else every stream keeps as much as the same level allows, in whatever order they came")
    func level() {
        let lengths = [(10, 0), (500, 20), (5, 300), (0, 0), (400, 400)]
        for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 4, 0, 3, 1]] {
            var kept = KeptOutput(most: 1_000)
            for index in order {
                kept.keep(.init(output: bytes(lengths[index].0), error: bytes(lengths[index].1)), of: index)
                #expect(kept.bytes <= 1_000)
            }
            // 35 bytes of short ones, and a quarter of the rest for each of the others.
            #expect(
                (0..<5).map { [kept[$0].output.count, kept[$0].error.count] } == [
                    [10, 0], [241, 20], [5, 241], [0, 0], [241, 241],
                ])
        }
    }

    @Test("a hundred that each write all they may stay within the bound of one, and keep their beginnings")
    func bound() {
        var kept = KeptOutput(most: 10_000)
        for index in 0..<100 {
            kept.keep(.init(output: bytes(10_000, UInt8(index)), error: []), of: index)
            #expect(kept.bytes <= 10_000)
        }
        for index in 0..<100 { #expect(kept[index].output == bytes(100, UInt8(index))) }
        kept.drop(3)
        #expect(kept[3].output.isEmpty)
        #expect(kept.bytes == 9_900)
    }
}

@Suite("Schedule of cases")
struct CaseScheduleTests {
    @Test("one after the other, each once")
    func order() {
        var schedule = CaseSchedule(count: 3, stopsOnFailure: false)
        #expect(schedule.start() == 0)
        schedule.failed(0)
        #expect(schedule.start() == 1)
        #expect(schedule.start() == 2)
        #expect(!schedule.hasNext)
        #expect(schedule.start() == nil)
        #expect((0..<3).allSatisfy(schedule.isWanted))
    }

    @Test("behind the first failure nothing is wanted, whichever failure is heard of first")
    func stop() {
        var schedule = CaseSchedule(count: 9, stopsOnFailure: true)
        for index in 0..<5 { #expect(schedule.start() == index) }
        schedule.failed(3)
        #expect(!schedule.hasNext)
        #expect((0..<9).filter(schedule.isWanted) == [0, 1, 2, 3])
        schedule.failed(1)
        schedule.failed(4)
        #expect((0..<9).filter(schedule.isWanted) == [0, 1])
        #expect(schedule.start() == nil)
    }
}
