import Foundation
import Glibc
import Testing

@testable import Linux

@Suite("A counter file")
struct CounterFileTests {
    /// A file of the current folder would do; the name must be known when this is compiled.
    private static let name: StaticString = "counter"

    private func withFile<Value>(_ text: String, _ body: (borrowing CounterFile) throws -> Value) throws -> Value {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("counter-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(text.utf8).write(to: folder.appendingPathComponent("\(Self.name)"))
        let opened = try Descriptor.open(folder.path, O_RDONLY)
        let file = try CounterFile(Self.name, in: opened.raw)
        return try body(file)
    }

    @Test("a number alone, and what is none")
    func number() throws {
        #expect(try withFile("1234\n") { try $0.number() } == 1_234)
        #expect(try withFile("18446744073709551615\n") { try $0.number() } == .max)
        for text in ["", "max\n", "18446744073709551616\n"] {
            #expect(throws: SystemError.self) { try withFile(text) { try $0.number() } }
        }
    }

    @Test("the number behind a key at the start of a line, and nothing behind it")
    func field() throws {
        let text =
            "usage_usec 12\nuser_usec 7\nlow 0\nbad x\nthree 1 2\nnegative -1\nhuge 18446744073709551615\nover 18446744073709551616\n"
        func field(_ key: StaticString, of text: String) throws -> UInt64? {
            try withFile(text) { try $0.field(key) }
        }
        #expect(try field("usage_usec", of: text) == 12)
        #expect(try field("low", of: text) == 0)
        #expect(try field("huge", of: text) == .max)
        for key: StaticString in ["usage", "usec", "bad", "three", "1", "negative", "over", "missing", ""] {
            #expect(try field(key, of: text) == nil, "\(key)")
        }
        #expect(try field("a", of: "") == nil)
        #expect(try field("a", of: "a 1") == 1)
    }

    @Test("pressure: the total of the first line")
    func pressure() throws {
        let text = "some avg10=0.00 avg60=0.01 avg300=0.00 total=4711\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9\n"
        #expect(try withFile(text) { try $0.number(after: "total", by: UInt8(ascii: "=")) } == 4_711)
    }

    @Test("steal: the eighth number of the first line, of a file of any length")
    func steal() throws {
        let text =
            "cpu  1 2 3 4 5 6 7 88 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n" + String(repeating: "intr 0 0 0\n", count: 900)
        #expect(try withFile(text) { try $0.numberOfFirstLine(7) } == 88)
        #expect(try withFile("cpu 1 2\n") { try $0.numberOfFirstLine(7) } == nil)
        // Where all of it counts, a file that is cut is none.
        #expect(throws: SystemError.self) { try withFile(text) { try $0.field("intr") } }
    }
}
