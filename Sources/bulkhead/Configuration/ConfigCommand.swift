import ArgumentParser
import Foundation
import SettingSources

/// `bulkhead config`: what is set, and what can be.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show the settings that hold and who set them, or write a configuration file with every one.",
        discussion: """
            bulkhead config show                        what holds here, and from where
            bulkhead config show --config new.yaml      whether a file can be used
            bulkhead config example > bulkhead.yaml     every setting with its default, as comments

            Of a flag, an environment variable, the file and the default, the first that is given holds.
            """,
        subcommands: [ShowCommand.self, ExampleCommand.self])

    struct ShowCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Each setting's value and who set it, without the command line's part.",
            discussion:
                "Exit 0 when each value is one that its setting can have, 64 when not; the line says what is wrong. Whether a "
                + "Redis answers or an address is this host's is not tried.")

        @OptionGroup var configuration: ConfigurationOptions

        mutating func run() throws {
            let sources = SettingSources.ofProcess
            print("# file: \(sources.file?.path ?? "none")")
            for setting in Settings.all {
                let (texts, origin): ([String], SettingOrigin)
                do {
                    (texts, origin) = try setting.texts(in: sources)
                } catch {
                    throw ValidationError(error.description)
                }
                print("\(setting.key): \(Self.shown(texts, setting, origin))  # \(origin)")
            }
        }

        private static func shown(_ texts: [String], _ setting: any AnySetting, _ origin: SettingOrigin) -> String {
            if origin == .standard {
                return setting.isList && setting.standardText != nil
                    ? "[\(setting.standardWords)]" : setting.standardWords
            }
            // Whoever may read it knows where it is.
            if setting.isSecret { return "(not shown)" }
            let quoted = texts.map(ExampleFile.quoted)
            return setting.isList ? "[\(quoted.joined(separator: ", "))]" : quoted.joined()
        }
    }

    struct ExampleCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "example", abstract: "A configuration file with every setting and its default, as comments.")

        mutating func run() throws {
            print(Self.text, terminator: "")
        }

        static var text: String {
            ExampleFile.text(
                heading: """
                    The settings of bulkhead serve, api and worker: one file for all three; each takes what it needs.
                    Every line that can be changed is here with its default: take the # away and change it, then
                    systemctl restart bulkhead. A name that is misspelt, or a value that cannot be, ends the start with an
                    error that names the line; `bulkhead config show` tries it without starting anything.
                    A flag comes before an environment variable, and that before this file.
                    """, sections: Settings.sections)
        }
    }
}
