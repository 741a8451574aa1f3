/// What people and logs call a client of the service.
public enum ClientName {
    /// Whether a client may be called so: 1 to 64 letters, digits, dots, dashes and underscores, so that it can stand in any
    /// log and on any command line.
    public static func isUsable(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
                    || [0x2D, 0x2E, 0x5F].contains(byte)
            }
    }
}
