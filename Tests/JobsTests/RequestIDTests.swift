import Jobs
import Testing

@Suite("Request ids")
struct RequestIDTests {
    @Test(
        "a client's id is taken as it is",
        arguments: ["a", "trace-1:a/B.c_d+e=f@g~", String(repeating: "x", count: 128)])
    func taken(text: String) {
        #expect(RequestID(text)?.text == text)
    }

    // Not as arguments: the log of the tests would have the control characters in it.
    @Test("what could forge or break a log line is none")
    func refused() {
        for text in [
            "", String(repeating: "x", count: 129), "a b", "a\nb", "a\rb", "a\"b", "a\\b", "a'b", "a;b", "a$b", "a{b",
            "ä",
            "a\u{0}b", "a,b", "a<b", "a%b",
        ] {
            #expect(RequestID(text) == nil)
        }
    }

    @Test("new ones differ, and would be taken themselves")
    func new() {
        let id = RequestID()
        #expect(id != RequestID())
        #expect(RequestID(id.text) == id)
    }
}
