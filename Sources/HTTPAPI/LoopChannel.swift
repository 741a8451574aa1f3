import HummingbirdCore
import Logging
import NIOCore

/// An HTTP/1.1 connection whose requests are answered on its own event loop.
struct LoopChannel: ServerChildChannel {
    typealias Value = HTTP1Channel.Value

    private let channel: HTTP1Channel

    init(_ channel: HTTP1Channel) {
        self.channel = channel
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        self.channel.setup(channel: channel, logger: logger)
    }

    func handle(value: Value, logger: Logger) async {
        await withTaskExecutorPreference(LoopExecutor.of(value.channel.eventLoop)) {
            await channel.handle(value: value, logger: logger)
        }
    }
}
