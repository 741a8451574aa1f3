import Testing

@testable import Telemetry

@Suite("Exposition")
struct ExpositionTests {
    @Test("help, type, labels and values are written as the format has it")
    func format() {
        let text = Exposition.text([
            Family("a_total", .counter, help: "back\\slash\nline \"quoted\"", value: 3),
            Family("b", .gauge, help: "Two.", label: "of", values: ["x\"y\\\n": 0.25, "z": -1]),
        ])
        #expect(
            text == #"""
                # HELP a_total back\\slash\nline "quoted"
                # TYPE a_total counter
                a_total 3
                # HELP b Two.
                # TYPE b gauge
                b{of="x\"y\\\n"} 0.25
                b{of="z"} -1

                """#)
    }

    @Test(
        "numbers are what Go's ParseFloat reads",
        arguments: [
            (0, "0"), (1.5, "1.5"), (1e15, "1000000000000000"), (1e-5, "1e-05"), (.infinity, "+Inf"),
            (-.infinity, "-Inf"), (.nan, "NaN"), (1e300, "1e+300"),
        ])
    func numbers(value: Double, text: String) {
        #expect(Exposition.number(value) == text)
    }
}
