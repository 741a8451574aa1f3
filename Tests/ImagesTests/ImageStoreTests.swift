import Dispatch
import Foundation
import Glibc
import Jobs
import Synchronization
import Testing

@testable import Images

@Suite("Publishing, opening and removing builds")
struct ImageStoreTests {
    private let directory: TemporaryDirectory
    private let store: ImageStore
    private let layout: ImageLayout
    private let hash: String

    init() throws {
        directory = try TemporaryDirectory()
        try directory.makeDirectory("recipes")
        try directory.write(smallRecipe, to: "recipes/small.yaml")
        store = ImageStore(stateDirectory: "\(directory.path)/state", recipeDirectories: ["\(directory.path)/recipes"])
        layout = try ImageLayout(stateDirectory: store.stateDirectory, name: "small")
        hash = try store.recipe("small").contentHash()
        try FileSystem.makeDirectories(layout.directory)
    }

    /// Publishes a tree as a build would, with `marker` in it.
    private func publish(_ marker: String, hash: String? = nil, name: String = "small") throws {
        let temporary = layout.build(".build-\(getpid())")
        try FileSystem.makeDirectories("\(temporary)/rootfs")
        try FileSystem.write(Array(marker.utf8), to: "\(temporary)/rootfs/marker", mode: 0o644)
        let manifest = ImageManifest(
            name: name, recipeHash: hash ?? self.hash, builtAt: Date(timeIntervalSince1970: 1_700_000_000),
            suite: "bookworm", architecture: "x86_64", bytes: 4096,
            languages: [
                Language(
                    name: "javascript", version: "18.20.4", image: name, fileName: "main.js",
                    run: ["/usr/bin/node", "{file}"])
            ])
        try manifest.write(path: "\(temporary)/image.json")
        try store.publish(temporary, layout, hash: hash ?? self.hash)
    }

    private func marker(_ image: Image) throws -> String {
        try String(contentsOfFile: "\(image.rootfs)/marker", encoding: .utf8)
    }

    @Test("what was published is opened, with its manifest")
    func open() throws {
        try publish("one")
        let image = try store.open("small")
        #expect(try marker(image) == "one")
        #expect(image.rootfs == "\(store.stateDirectory)/images/small/\(hash.prefix(12))/rootfs")
        #expect(image.manifest.languages.map(\.version) == ["18.20.4"])
        #expect(image.manifest.recipeHash == hash)
        #expect(image.manifest.builtAt == Date(timeIntervalSince1970: 1_700_000_000))
    }

    @Test("a held build outlives its successor and goes with the build after")
    func held() throws {
        try publish("one")
        var first: Image? = try store.open("small")
        try publish("two")
        #expect(try first.map(marker) == "one")
        #expect(try marker(store.open("small")) == "two")
        #expect(try layout.builds().count == 2)
        first = nil
        try publish("three")
        #expect(try marker(store.open("small")) == "three")
        #expect(try layout.builds().count == 1)
        #expect(try FileSystem.names(in: layout.directory).filter { $0.hasPrefix(".") }.isEmpty)
    }

    @Test("left-overs of interrupted builds are swept, published builds are not")
    func sweep() throws {
        try publish("one")
        try FileSystem.makeDirectories(layout.build(".build-99999/rootfs/usr"))
        try FileSystem.makeDirectories(layout.build(".removed-abc/rootfs"))
        try store.sweep(layout)
        #expect(try FileSystem.names(in: layout.directory) == [String(hash.prefix(12)), "current"])
    }

    @Test("an image that is up to date needs no build, no root and no tools")
    func upToDate() throws {
        try publish("one")
        var lines: [String] = []
        let result = try store.build("small") { lines.append($0) }
        #expect(!result.wasBuilt)
        #expect(result.rootfs == layout.rootfs(String(hash.prefix(12))))
        #expect(lines.isEmpty)
    }

    @Test("the list says what is built, what changed, and what is broken")
    func list() throws {
        try directory.write(smallRecipe.replacingOccurrences(of: "small", with: "other"), to: "recipes/other.yaml")
        try directory.write("name: broken\nsuit: x", to: "recipes/broken.yaml")
        try publish("one")
        var list = Dictionary(uniqueKeysWithValues: try store.list().map { ($0.name, $0) })
        #expect(list.keys.sorted() == ["broken", "other", "small"])
        #expect(list["small"]?.isUpToDate == true)
        #expect(list["small"]?.manifest?.languages.count == 1)
        #expect(list["other"]?.manifest == nil && list["other"]?.isUpToDate == false && list["other"]?.problem == nil)
        #expect(list["broken"]?.problem?.contains("unknown key 'suit'") == true)
        try directory.write(
            smallRecipe.replacingOccurrences(of: "[nodejs]", with: "[nodejs, gcc]"), to: "recipes/small.yaml")
        list = Dictionary(uniqueKeysWithValues: try store.list().map { ($0.name, $0) })
        #expect(list["small"]?.isUpToDate == false && list["small"]?.manifest != nil)
    }

    @Test("the first directory that has a recipe wins, and an unknown name lists what there is")
    func recipeDirectories() throws {
        try directory.makeDirectory("second")
        try directory.write(
            smallRecipe.replacingOccurrences(of: "bookworm", with: "trixie"), to: "second/small.yaml")
        let both = ImageStore(
            stateDirectory: store.stateDirectory,
            recipeDirectories: ["\(directory.path)/none", "\(directory.path)/recipes", "\(directory.path)/second"])
        #expect(try both.recipe("small").suite == "bookworm")
        let error = #expect(throws: ImageError.self) { try both.recipe("absent") }
        #expect(error?.description.contains("there is: small") == true)
    }

    @Test("what is not built, or not named like an image, is not opened")
    func absent() throws {
        #expect(throws: ImageError.notBuilt(name: "small")) { try store.open("small") }
        for name in ["../small", "", ".", "a/b", "Small"] {
            #expect(throws: ImageError.self) { try store.open(name) }
        }
    }

    @Test("a tree that others can write is not opened", arguments: ["", "/images/small", "/images/small/BUILD/rootfs"])
    func writable(path: String) throws {
        try publish("one")
        let full = store.stateDirectory + path.replacingOccurrences(of: "BUILD", with: String(hash.prefix(12)))
        chmod(full, 0o777)
        let error = #expect(throws: ImageError.self) { try store.open("small") }
        #expect(error?.description.contains("chmod go-w \(full)") == true)
        chmod(full, 0o755)
        _ = try store.open("small")
    }

    @Test("a manifest of another image, a link that leads out, an incomplete build: none is opened")
    func damaged() throws {
        try publish("one", name: "other")
        #expect(throws: ImageError.self) { try store.open("small") }
        try publish("two")
        _ = try store.open("small")
        try FileSystem.replaceLink(layout.currentLink, target: "../../elsewhere")
        #expect(throws: ImageError.self) { try store.open("small") }
        try FileSystem.replaceLink(layout.currentLink, target: "0123456789ab")
        let error = #expect(throws: ImageError.self) { try store.open("small") }
        #expect(error?.description.contains("not complete") == true)
    }

    @Test("readers always see a whole build while builds are published")
    func concurrent() throws {
        try publish("0")
        let seen = Mutex((opened: 0, error: String?.none, stop: false))
        let layout = self.layout
        // A thread of its own: the tests around this one may keep the whole pool busy.
        withExtendedLifetime(directory) {
            let ended = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                while !seen.withLock(\.stop) {
                    do {
                        let image = try Image.open(name: "small", stateDirectory: layout.stateDirectory)
                        _ = try String(contentsOfFile: "\(image.rootfs)/marker", encoding: .utf8)
                        seen.withLock { $0.opened += 1 }
                    } catch {
                        seen.withLock { $0 = ($0.opened, "\(error)", true) }
                    }
                }
                ended.signal()
            }
            var round = 0
            while round < 2_000, round < 30 || seen.withLock({ $0.opened < 30 && $0.error == nil }) {
                round += 1
                do { try publish("\(round)") } catch { seen.withLock { $0.error = "\(error)" } }
            }
            seen.withLock { $0.stop = true }
            ended.wait()
        }
        #expect(seen.withLock(\.error) == nil)
        #expect(seen.withLock(\.opened) >= 30)
        try store.removeSuperseded(layout)
        #expect(try layout.builds().count == 1)
    }

    @Test("two builders exclude each other; the lock goes with its holder")
    func lock() throws {
        var first = try FileLock.take(layout.buildLock, .exclusive, waiting: false, creating: true)
        #expect(first?.isLinked == true)
        #expect(try FileLock.take(layout.buildLock, .exclusive, waiting: false, creating: true) == nil)
        #expect(try FileLock.take(layout.buildLock, .shared, waiting: false, creating: true) == nil)
        first = nil
        #expect(try FileLock.take(layout.buildLock, .exclusive, waiting: false, creating: true) != nil)
    }

    @Test("an image is found by the name or an alias of a language that its recipe has")
    func byLanguage() throws {
        try directory.write("not: [a recipe", to: "recipes/broken.yaml")
        #expect(try store.imageServing("javascript") == "small")
        #expect(try store.imageServing("js") == "small")
        #expect(try store.imageServing("small") == nil)
        #expect(try store.imageServing("cobol") == nil)
    }

    @Test("recipes are found beside the sources that a program was built in")
    func standardDirectories() throws {
        let build = ".build/x86_64-unknown-linux-gnu"
        try directory.makeDirectory("\(build)/release")
        try directory.write("", to: "\(build)/release/bulkhead")
        try directory.write("", to: "Package.swift")
        let directories = {
            ImageStore.standardRecipeDirectories(executable: "\(directory.path)/\(build)/release/bulkhead")
        }
        let installed = ["/etc/bulkhead/rootfs", "\(directory.path)/\(build)/share/bulkhead/rootfs"]
        #expect(directories() == installed + ["\(directory.path)/rootfs"])
        // Where everybody can write, everybody could say what is run.
        chmod(directory.path, 0o777)
        #expect(directories() == installed)
        chmod(directory.path, 0o755)
        #expect(directories() == installed + ["\(directory.path)/rootfs"])
        if geteuid() == 0 {
            chown(directory.path, 12_345, 0)
            #expect(directories() == installed)
        }
        #expect(
            ImageStore.standardRecipeDirectories(executable: "/usr/bin/env") == [
                "/etc/bulkhead/rootfs", "/usr/share/bulkhead/rootfs",
            ])
    }
}
