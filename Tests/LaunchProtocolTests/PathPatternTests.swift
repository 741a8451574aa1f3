import LaunchProtocol
import Testing

/// What a pattern stands for.
@Suite("Path patterns")
struct PathPatternTests {
    /// The position after a path.
    private func follow(_ pattern: String, _ path: String) throws -> PathPattern.Position {
        let pattern = try PathPattern(pattern)
        return path.utf8.split(separator: UInt8(ascii: "/")).reduce(pattern.start) { pattern.advance($0, over: $1) }
    }

    @Test(
        "matches",
        arguments: [
            ("a", "a"), ("a/b", "a/b"), ("*", "a"), ("*", "-rf"), ("*.png", "a.png"), ("*.png", "a.b.png"),
            ("a*", "a"), ("*a*", "bab"), ("?", "é"), ("?", "\u{1F600}"), ("a?c", "abc"), ("*?", "é"),
            ("a*b*c", "axbxbxc"),
            (".*", ".a"), (".?", ".a"), ("**", "a"), ("**", "a/b/c"), ("**/c", "c"), ("**/c", "a/b/c"),
            ("a/**", "a/b"), ("a/**", "a/b/c"), ("a/**/c", "a/c"), ("a/**/c", "a/b/b/c"), ("**/b/**/d", "a/b/c/d"),
            ("**/**/c", "c"), ("**/*.txt", "x/y.txt"), (".git/**", ".git/config"), ("*\n", "a\n"), ("[a]", "[a]"),
            ("a\\b", "a\\b"), ("**/.x", "a/.x"), ("out/*/*.c", "out/a/b.c"),
        ])
    func matches(pattern: String, path: String) throws {
        #expect(try follow(pattern, path).isMatch)
    }

    @Test(
        "does not match",
        arguments: [
            ("a", "b"), ("a", "a/b"), ("a/b", "a"), ("*", ".a"), ("*", "a/b"), ("?", "."), ("?", "ab"), ("?a", ".a"),
            ("*.png", ".png"), ("*.png", "a.PNG"), ("**", ".a"), ("**", "a/.b"), ("**", ".a/b"), ("**/b", ".a/b"),
            ("a/**", "a"), ("a/**", "b/c"), ("a/**/c", "a/b"), ("**/c", "c/d"), ("é", "e\u{301}"), ("[a]", "a"),
            ("a*b", "axc"),
        ])
    func doesNotMatch(pattern: String, path: String) throws {
        #expect(try !follow(pattern, path).isMatch)
    }

    @Test("goes on only where something below can match, and a ** at the end names no folder")
    func goesOn() throws {
        #expect(try follow("a/*", "a").goesOn)
        #expect(try !follow("a/*", "b").goesOn)
        #expect(try !follow("a/*", "a/b").goesOn)
        #expect(try follow("**/x", "a/b/c").goesOn)
        #expect(try !follow("**/x", ".a").goesOn)
        #expect(try !follow("a/**", "a/b").isNamed)
        #expect(try follow("a/*", "a/b").isNamed)
        #expect(try follow("**/b", "a/b").isNamed)
    }

    @Test("names are bytes")
    func bytes() throws {
        let pattern = try PathPattern("*.out")
        #expect(pattern.advance(pattern.start, over: [0xFF] + Array(".out".utf8)).isMatch)
        let one = try PathPattern("?")
        #expect(one.advance(one.start, over: [0xFF]).isMatch)
        #expect(one.advance(one.start, over: [0x80]).isMatch)
        #expect(!one.advance(one.start, over: [0x80, 0x80]).isMatch)
        #expect(try PathPattern("a/b").isLiteral)
        #expect(try !PathPattern("a/?").isLiteral)
        #expect(try !PathPattern("a/**").isLiteral)
    }

    @Test(
        "what could lead out of the folder, or is too long, is refused",
        arguments: [
            "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/./b", "a\u{0}b", "a**", "***", "**a/b",
            String(repeating: "a", count: 256), String(repeating: "a/", count: 32) + "a",
            String(repeating: String(repeating: "a", count: 200) + "/", count: 6) + "a",
        ])
    func refused(pattern: String) {
        #expect(throws: MalformedMessage.self) { try PathPattern(pattern) }
    }

    /// Exponential in the pattern, this would not end; quadratic it is done at once.
    @Test("patterns that make a naive matcher try every split", .timeLimit(.minutes(1)))
    func bombs() throws {
        let name = Array(repeating: UInt8(ascii: "a"), count: 255)
        let stars = String(repeating: "*a", count: 127)
        let folders = String(repeating: "**/", count: 31)
        for pattern in [stars.dropLast() + "b", folders + "*a*a*a*b", "**/**/**/*a*a*a*b", folders + "b"] {
            let pattern = try PathPattern(String(pattern))
            var position = pattern.start
            for _ in 0..<32 { position = pattern.advance(position, over: name) }
            #expect(!position.isMatch)
        }
    }
}
