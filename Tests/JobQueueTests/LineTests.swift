import Testing

@testable import JobQueue

@Suite struct LineTests {
    /// Compares with an array over many random steps.
    @Test func behavesLikeAnArray() {
        var line = Line<Int>()
        var array: [Int] = []
        for step in 0..<5_000 {
            switch Int.random(in: 0..<6) {
            case 0...1:
                line.append(step)
                array.append(step)
            case 2:
                line.prepend(step)
                array.insert(step, at: 0)
            case 3...4:
                #expect(line.popFirst() == (array.isEmpty ? nil : array.removeFirst()))
            default:
                guard let element = array.randomElement() else { continue }
                line.remove(element)
                array.removeAll { $0 == element }
            }
            #expect(line.count == array.count)
            #expect(line.first == array.first)
        }
    }
}
