import Foundation

/// A command and its arguments, each any bytes.
struct RedisCommand: Sendable, ExpressibleByArrayLiteral {
    var arguments: [RedisArgument]

    init(_ arguments: [RedisArgument]) {
        self.arguments = arguments
    }

    init(arrayLiteral elements: RedisArgument...) {
        arguments = elements
    }

    /// The command as it goes over the wire: an array of strings, each with its length.
    ///
    /// Written here because the library's own function wants an array of pointers into memory that Swift may move.
    var encoded: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(arguments.reduce(16) { $0 + $1.bytes.count + 16 })
        output.append(contentsOf: "*\(arguments.count)\r\n".utf8)
        for argument in arguments {
            output.append(contentsOf: "$\(argument.bytes.count)\r\n".utf8)
            output.append(contentsOf: argument.bytes)
            output.append(contentsOf: "\r\n".utf8)
        }
        return output
    }
}

/// One argument of a command.
struct RedisArgument: Sendable, Equatable, ExpressibleByStringLiteral {
    let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }

    init(_ number: Int) { bytes = Array(String(number).utf8) }

    init(_ data: Data) { bytes = Array(data) }

    init(stringLiteral value: String) { self.init(value) }
}
