import Testing

@testable import ServiceClient

@Suite("The address of a service")
struct ServiceAddressTests {
    @Test("http URLs of a host, with port and path where they have them")
    func valid() throws {
        let plain = try #require(ServiceAddress("http://127.0.0.1:3000"))
        #expect(plain.host == "127.0.0.1" && plain.port == 3_000 && plain.prefix.isEmpty && plain.isLoopback)
        #expect(plain.authority == "127.0.0.1:3000")
        let behind = try #require(ServiceAddress("HTTP://box.example/run/"))
        #expect(behind.port == 80 && behind.prefix == "/run" && !behind.isLoopback)
        let six = try #require(ServiceAddress("http://[::1]:8080/"))
        // A name that looks like an address can mean any machine.
        #expect(!ServiceAddress.isLoopback("127.evil.example") && ServiceAddress.isLoopback("127.8.9.10"))
        #expect(six.host == "::1" && six.authority == "[::1]:8080" && six.isLoopback)
    }

    @Test(
        "nothing else",
        arguments: [
            "", "127.0.0.1:3000", "https://127.0.0.1", "ftp://a", "http://", "http://user:word@a", "http://a?b=c",
            "http://a#b", "http://a:0", "http://a:99999",
        ])
    func invalid(text: String) {
        #expect(ServiceAddress(text) == nil)
    }
}
