/// The host of an authority (RFC 3986 section 3.2) without its port, in lower case: a name, an IPv4 address, or an IPv6
/// address in brackets.
struct HostName: Equatable {
    let name: String
    /// With the port, as it was given.
    let authority: String

    /// Nil for what is no `host [ ":" port ]`.
    init?(_ text: String) {
        authority = text.lowercased()
        let host: Substring
        let rest: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[...end]
            rest = authority[authority.index(after: end)...]
            guard host.utf8.dropFirst().dropLast().allSatisfy(HostName.isOfAddress) else { return nil }
        } else {
            host = authority.prefix { $0 != ":" }
            rest = authority[host.endIndex...]
            guard host.utf8.allSatisfy(HostName.isOfName) else { return nil }
        }
        guard !host.isEmpty, rest.isEmpty || rest.first == ":" else { return nil }
        let port = rest.dropFirst()
        guard port.utf8.count <= 5, port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        name = String(host)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || [0x2D, 0x2E, 0x5F].contains(byte)
    }

    private static func isOfAddress(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) || [0x2E, 0x3A].contains(byte)
    }
}
