import Testing

@testable import Telemetry

@Suite("Instruments")
struct InstrumentTests {
    @Test("a counter counts in its series only, and never down")
    func counters() {
        let counters = Counters("a_total", help: "A.", label: "of", values: ["x", "y"])
        counters.add(at: 1)
        counters.add(4, at: 1)
        counters.add(-3, at: 1)
        counters.add(0, at: 0)
        #expect(counters.family.samples.map(\.value) == [0, 5])
        #expect(counters.family.samples.map(\.labels) == [[.init("of", "x")], [.init("of", "y")]])
    }

    @Test("a bucket has what is at most its bound, and every bucket has those before it")
    func histogram() {
        let histogram = Histograms("a_seconds", help: "A.", bounds: [0.001, 0.1], label: "of", values: ["x", "y"])
        histogram.observe(.milliseconds(1), at: 1)
        histogram.observe(.nanoseconds(1_000_001), at: 1)
        histogram.observe(milliseconds: 100, at: 1)
        histogram.observe(.seconds(2), at: 1)
        histogram.observe(.seconds(-2), at: 1)
        #expect(
            Exposition.text([histogram.family]) == """
                # HELP a_seconds A.
                # TYPE a_seconds histogram
                a_seconds_bucket{of="x",le="0.001"} 0
                a_seconds_bucket{of="x",le="0.1"} 0
                a_seconds_bucket{of="x",le="+Inf"} 0
                a_seconds_sum{of="x"} 0
                a_seconds_count{of="x"} 0
                a_seconds_bucket{of="y",le="0.001"} 2
                a_seconds_bucket{of="y",le="0.1"} 4
                a_seconds_bucket{of="y",le="+Inf"} 5
                a_seconds_sum{of="y"} 2.102000001
                a_seconds_count{of="y"} 5

                """)
    }

    @Test("bounds go up in even steps and end where they are to")
    func steps() {
        #expect(Histograms.steps(from: 0.000_1, to: 0.01) == [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01])
        #expect(Histograms.steps(from: 0.000_05, to: 0.001) == [0.000_05, 0.000_125, 0.000_25, 0.000_5])
    }

    @Test("nothing is lost where many count at once")
    func concurrent() async {
        let counters = Counters("a_total", help: "A.")
        let histogram = Histograms("a_seconds", help: "A.", bounds: [1])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<10_000 {
                        counters.add()
                        histogram.observe(nanoseconds: 1)
                    }
                }
            }
        }
        #expect(counters[0] == 80_000)
        #expect(histogram.family.samples.map(\.value) == [80_000, 80_000, 0.000_08, 80_000])
    }

    @Test("a process tells of itself what every client tells")
    func process() {
        let families = ProcessFigures.families()
        #expect(
            families.map(\.name) == [
                "process_cpu_seconds_total", "process_start_time_seconds", "process_resident_memory_bytes",
                "process_virtual_memory_bytes", "process_threads", "process_open_fds", "process_max_fds",
            ])
        for family in families { #expect(family.samples.count == 1 && (family.samples.first?.value ?? 0) > 0) }
    }
}
