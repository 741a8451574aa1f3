import Foundation
import Jobs

extension JSONValue {
    /// A time as every answer has it: RFC 3339 in UTC with milliseconds.
    static func time(_ date: Date) -> JSONValue {
        .string(date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }
}
