import ArgumentParser
import Images

extension RootfsCommand {
    /// `bulkhead rootfs verify`.
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare images with what was written down when they were made, and look for privileges in them.",
            discussion: "Needs root. One line for each finding; the exit code is 1 where there is one.")

        @OptionGroup var options: EngineOptions

        @Argument(help: "The images' names; every one that is built where none is given.")
        var names: [String] = []

        mutating func run() throws {
            let store = try options.store
            let wanted =
                try names.isEmpty ? store.list().filter { $0.manifest != nil || $0.problem != nil }.map(\.name) : names
            guard !wanted.isEmpty else { throw ValidationError("no image is built") }
            var isSound = true
            for name in wanted {
                do throws(ImageError) {
                    let findings = try store.verify(name)
                    for finding in findings { print("\(name): \(finding)") }
                    if findings.isEmpty { print("\(name): as it was made") } else { isSound = false }
                } catch {
                    print("\(name): \(error)")
                    isSound = false
                }
            }
            guard isSound else { throw ExitCode(1) }
        }
    }
}
