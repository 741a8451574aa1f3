import Measurement
import Testing

@Suite("Quantiles")
struct QuantileTests {
    @Test("of a hundred numbers, in any order")
    func hundred() throws {
        let numbers = (1...100).map(Double.init).shuffled()
        #expect(numbers.quantile(0) == 1)
        #expect(numbers.quantile(0.5) == 51)
        #expect(numbers.quantile(0.99) == 100)
        #expect(numbers.quantile(1) == 100)
        let distribution = try #require(Distribution(numbers))
        #expect(distribution.p50 == 51)
        #expect(distribution.p95 == 96)
        #expect(distribution.p99 == 100)
        #expect(distribution.least == 1)
        #expect(distribution.samples == 100)
    }

    @Test("of one number, and of none")
    func few() {
        #expect([7.0].quantile(0) == 7)
        #expect([7.0].quantile(0.99) == 7)
        #expect(Distribution([]) == nil)
    }
}
