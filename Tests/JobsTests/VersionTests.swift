import Testing

@testable import Jobs

@Suite struct VersionTests {
    @Test(arguments: [
        ("*", "18.20.4", true), ("18", "18.20.4", true), ("18.x", "18.20.4", true), ("18.X.x", "18.0.0", true),
        ("18.20", "18.20.4", true), ("18.20.4", "18.20.4", true), ("=v18.20.4", "18.20.4", true),
        ("17", "18.20.4", false), ("18.2", "18.20.4", false), ("^18.2", "18.20.4", true), ("^18.21", "18.20.4", false),
        ("^18.2", "19.0.0", false), ("^0.2.3", "0.2.9", true), ("^0.2.3", "0.3.0", false), ("^0.0.3", "0.0.4", false),
        ("^0", "0.9.0", true), ("^0.0", "0.0.9", true), ("^0.0", "0.1.0", false), ("~3.11.2", "3.11.9", true),
        ("~3.11.2", "3.12.0", false), ("~3", "3.12.0", true), ("~3", "4.0.0", false), (">=3.9 <4", "3.11.2", true),
        (">= 3.9 < 4", "3.11.2", true), (">=3.9 <3.11", "3.11.2", false), (">3.11", "3.11.2", false),
        (">3.11", "3.12.0", true), ("<=3.11", "3.11.2", true), ("<=3.11", "3.12.0", false), ("<18", "18.0.0", false),
        ("1.2 - 1.4", "1.4.9", true), ("1.2 - 1.4", "1.5.0", false), ("1.2 - 1.4", "1.1.9", false),
        ("16 || 18", "18.20.4", true), ("16||20", "18.20.4", false), ("17", "17.0.13+11", true),
        ("5.2", "5.2.15(1)-release", true),
    ])
    func fits(range: String, version: String, expected: Bool) throws {
        let range = try #require(VersionRange(range))
        let version = try #require(Version(version))
        #expect(range.contains(version) == expected)
    }

    @Test(arguments: [
        "", " ", "a", "18.a", "1.2.3.4", "18.", ".1", ">", "18 ||", ">*", "!18", "=>18", "x.1", "1 - ", "9999999999",
        String(repeating: "1 ", count: 129),
    ])
    func refuses(range: String) {
        #expect(VersionRange(range) == nil)
    }

    @Test func ordersByNumber() throws {
        let versions = try ["9.9.9", "10.0.0", "10.0", "10.1"].map { try #require(Version($0)) }
        #expect(versions[0] < versions[1])
        #expect(versions[1] == versions[2])
        #expect(versions[2] < versions[3])
        #expect(Version("new") == nil)
    }
}
