import NIOCore
import NIOPosix
import Testing

@testable import HTTPAPI

@Suite(.timeLimit(.minutes(1))) struct LoopExecutorTests {
    @Test("a task on an event loop stays there across what it waits for, and what it wakes comes there too")
    func stays() async throws {
        #expect(LoopExecutor.here == nil)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let executor = try #require(LoopExecutor.of(loop))
        await withTaskExecutorPreference(executor) {
            #expect(loop.inEventLoop)
            #expect(LoopExecutor.here === executor)
            try? await Task.sleep(for: .milliseconds(5))
            #expect(loop.inEventLoop)
            let isHere = await Task(executorPreference: LoopExecutor.anywhere) { loop.inEventLoop }.value
            #expect(isHere)
        }
        #expect(LoopExecutor.here == nil)
    }

    @Test("a loop of another group has no executor")
    func foreign() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        #expect(LoopExecutor.of(group.next()) == nil)
        try await group.shutdownGracefully()
    }
}
