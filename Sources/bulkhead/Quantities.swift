import ArgumentParser
import SettingSources

/// A number of bytes as people write it: `1024`, `64K`, `64M`, `1G`.
struct ByteCount: ExpressibleByArgument {
    var bytes: Int

    init?(argument: String) {
        guard let bytes = Quantity.bytes(in: argument), bytes > 0 else { return nil }
        self.bytes = bytes
    }
}

/// A time as people write it: `500ms`, `2s`, `2` (seconds), `0.5`.
struct Milliseconds: ExpressibleByArgument {
    var count: Int

    init?(argument: String) {
        guard let count = Quantity.milliseconds(in: argument) else { return nil }
        self.count = count
    }
}
