import Foundation
import Glibc
import Hashing
import Linux

/// An image as a folder: an OCI image layout (OCI image specification, image-layout.md), or what older versions of
/// `docker save` write. All of it is a stranger's: every file is named by a digest that has its form checked, opened beneath
/// the folder through no link, and hashed.
struct OCILayout: ~Copyable {
    /// One layer: its file, how it is packed, and the digest of its bytes once unpacked, which the image's configuration says.
    struct Layer {
        var path: String
        var compression: ArchiveStream.Compression
        var diffID: String
    }

    /// What the image is called in a manifest of ours: the digest of its configuration or manifest.
    let digest: String
    let layers: [Layer]
    private let folder: Descriptor

    private static let mostDocumentBytes = 4 << 20
    private static let mostLayers = 256
    /// An index may name another one, as those of images for several platforms do.
    private static let mostIndexes = 3

    /// Whether a folder holds an image rather than a tree.
    static func isLayout(_ path: String) throws(ImageError) -> Bool {
        if try FileSystem.status("\(path)/oci-layout") != nil { return true }
        guard try FileSystem.status("\(path)/manifest.json") != nil else { return false }
        return try !FileSystem.isDirectory("\(path)/usr")
    }

    /// Reads which layers make up the image for a platform.
    /// - Parameters:
    ///   - path: the folder.
    ///   - architecture: as `uname -m` says.
    /// - Throws: where it has no image for that, or is not what its digests say.
    init(path: String, architecture: String) throws(ImageError) {
        let folder: Descriptor
        do throws(SystemError) {
            folder = try Descriptor.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            throw ImageError(error, path: path)
        }
        let platform = Self.platforms[architecture] ?? architecture
        let reader = DocumentReader(folder: folder.raw, platform: platform)
        let isOCI = try FileSystem.status("\(path)/oci-layout") != nil
        // `skopeo copy … dir:FOLDER`, which has a manifest.json of another kind.
        if !isOCI, try FileSystem.status("\(path)/version") != nil {
            throw .step(
                name: "reading the image",
                detail:
                    "it is a folder of skopeo's dir: format, which is not read here: skopeo copy dir:FOLDER oci:OTHER")
        }
        let image = try isOCI ? reader.layout() : reader.dockerArchive()
        digest = image.digest
        layers = image.layers
        self.folder = folder
    }

    /// The kernel's names of machines, by which images name theirs (Go's GOARCH).
    private static let platforms = ["x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64", "s390x": "s390x"]

    /// A layer's bytes, decompressed.
    func stream(of layer: Layer, mostBytes: Int) throws(ImageError) -> ArchiveStream {
        try ArchiveStream(
            Self.open(layer.path, in: folder.raw), name: layer.path, compression: layer.compression,
            mostBytes: mostBytes)
    }

    /// A regular file of the layout.
    private static func open(_ path: String, in folder: Int32) throws(ImageError) -> Descriptor {
        let file: Descriptor
        do throws(SystemError) {
            file = try Descriptor.openBeneath(folder, path, O_RDONLY | O_NONBLOCK)
        } catch {
            throw ImageError(error, path: "")
        }
        var status = stat()
        guard fstat(file.raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .unsafe(path: "'\(path)'", problem: "is no regular file of the image")
        }
        return file
    }

    // MARK: Documents

    private struct Descriptors: Decodable {
        var manifests: [Reference]
    }

    private struct Manifest: Decodable {
        var config: Reference
        var layers: [Reference]
    }

    private struct Configuration: Decodable {
        var architecture: String?
        var os: String?
        var rootfs: Tree
        struct Tree: Decodable { var diff_ids: [String] }
    }

    private struct DockerManifest: Decodable {
        var Config: String
        var Layers: [String]
    }

    /// A descriptor of the specification (descriptor.md).
    private struct Reference: Decodable {
        var mediaType: String
        var digest: String
        var size: Int
        var platform: Platform?
        var annotations: [String: String]?
        struct Platform: Decodable {
            var architecture: String
            var os: String
        }
    }

    private struct DocumentReader {
        let folder: Int32
        let platform: String

        /// The image of an OCI layout: index, manifest, configuration, each hashed.
        func layout() throws(ImageError) -> (digest: String, layers: [Layer]) {
            var index = try decode(Descriptors.self, try whole("index.json"), "index.json")
            for _ in 0..<OCILayout.mostIndexes {
                let found = try select(index)
                let document = try blob(found)
                if OCILayout.indexTypes.contains(found.mediaType) {
                    index = try decode(Descriptors.self, document, found.digest)
                    continue
                }
                guard OCILayout.manifestTypes.contains(found.mediaType) else {
                    throw problem("\(found.digest) is of type '\(found.mediaType)', which is no image manifest")
                }
                return (found.digest, try layers(try decode(Manifest.self, document, found.digest)))
            }
            throw problem("its indexes name each other more than \(OCILayout.mostIndexes) deep")
        }

        /// The one image for this platform.
        private func select(_ index: Descriptors) throws(ImageError) -> Reference {
            let candidates = index.manifests.filter { reference in
                guard let other = reference.platform else { return true }
                return other.os == "linux" && other.architecture == platform
            }
            let exact = candidates.filter { $0.platform != nil }
            let wanted = exact.isEmpty ? candidates : exact
            // The same image under several names is one image.
            guard let first = wanted.first, wanted.allSatisfy({ $0.digest == first.digest }) else {
                let names = wanted.map { $0.annotations?["org.opencontainers.image.ref.name"] ?? $0.digest }
                let offered = index.manifests.compactMap(\.platform).map { "\($0.os)/\($0.architecture)" }
                throw problem(
                    wanted.isEmpty
                        ? "it has no image for linux/\(platform)"
                            + (offered.isEmpty ? "" : ", only for \(Set(offered).sorted().joined(separator: ", "))")
                        : "it has several images (\(names.joined(separator: ", "))): copy the one that is meant into a layout "
                            + "of its own")
            }
            return first
        }

        private func layers(_ manifest: Manifest) throws(ImageError) -> [Layer] {
            let configuration = try decode(
                Configuration.self, try blob(manifest.config), manifest.config.digest)
            try check(configuration, layers: manifest.layers.count)
            var layers: [Layer] = []
            for (reference, diffID) in zip(manifest.layers, configuration.rootfs.diff_ids) {
                guard let compression = OCILayout.layerTypes[reference.mediaType] else {
                    throw problem(
                        "layer \(reference.digest) is of type '\(reference.mediaType)', which is not read here")
                }
                let path = try path(of: reference.digest)
                try checkBlob(path, reference)
                layers.append(Layer(path: path, compression: compression, diffID: try digits(of: diffID)))
            }
            return layers
        }

        /// What `docker save` wrote before version 25: the configuration is named after its digest, layers are tar archives.
        func dockerArchive() throws(ImageError) -> (digest: String, layers: [Layer]) {
            let images = try decode([DockerManifest].self, try whole("manifest.json"), "manifest.json")
            guard let image = images.first, images.count == 1 else {
                throw problem("it has \(images.count) images: save the one that is meant alone")
            }
            let document = try whole(try local(image.Config))
            let digest = SHA256.hex(document)
            guard image.Config.contains(digest) else {
                throw problem("'\(image.Config)' is not what its name says: its digest is \(digest)")
            }
            let configuration = try decode(Configuration.self, document, image.Config)
            try check(configuration, layers: image.Layers.count)
            var layers: [Layer] = []
            for (path, diffID) in zip(image.Layers, configuration.rootfs.diff_ids) {
                let path = try dockerLayer(path)
                layers.append(
                    Layer(path: path, compression: try compression(of: path), diffID: try digits(of: diffID)))
            }
            return ("sha256:\(digest)", layers)
        }

        /// A layer that an image has twice is a link to `../OTHER/layer.tar` the second time: that name in place of the link's,
        /// for no link is followed.
        private func dockerLayer(_ path: String) throws(ImageError) -> String {
            let path = try local(path)
            // Whatever else it is, opening it says.
            guard let link = try? FileSystem.rawLink(Array(path.utf8), in: folder) else { return path }
            guard let other = String(decoding: link, as: UTF8.self).wholeMatch(of: /\.\.\/([^\/]+\/layer\.tar)/) else {
                throw problem("'\(path)' is a link to no other layer")
            }
            return try local(String(other.1))
        }

        /// What others than Docker write in its format can be packed (RFC 1952: 1f 8b); what comes out of it is compared with its digest.
        private func compression(of path: String) throws(ImageError) -> ArchiveStream.Compression {
            let file = try OCILayout.open(path, in: folder)
            return try FileSystem.piece(of: file.raw, path).starts(with: [0x1F, 0x8B]) ? .gzip : .none
        }

        private func check(_ configuration: Configuration, layers: Int) throws(ImageError) {
            if let architecture = configuration.architecture, architecture != platform {
                throw problem("it is for \(architecture), and this host is \(platform)")
            }
            guard configuration.os ?? "linux" == "linux" else { throw problem("it is for \(configuration.os ?? "")") }
            guard layers == configuration.rootfs.diff_ids.count, layers <= OCILayout.mostLayers, layers > 0 else {
                throw problem(
                    "it has \(layers) layers, and its configuration names \(configuration.rootfs.diff_ids.count)")
            }
        }

        // MARK: Files

        /// A path that stands in a document; openat2 holds it beneath the folder as well.
        private func local(_ path: String) throws(ImageError) -> String {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            guard !parts.contains(""), !parts.contains("."), !parts.contains("..") else {
                throw problem("'\(path)' is no name of a file within the image")
            }
            return path
        }

        private func digits(of digest: String) throws(ImageError) -> String {
            // Other algorithms are allowed by the specification; nobody writes them.
            guard let match = digest.wholeMatch(of: /sha256:([0-9a-f]{64})/) else {
                throw problem("'\(digest.prefix(200))' is no SHA-256 digest")
            }
            return String(match.1)
        }

        private func path(of digest: String) throws(ImageError) -> String { "blobs/sha256/\(try digits(of: digest))" }

        /// A document's bytes, found to be what its descriptor says.
        private func blob(_ reference: Reference) throws(ImageError) -> [UInt8] {
            let document = try whole(try path(of: reference.digest))
            guard document.count == reference.size, SHA256.hex(document) == (try digits(of: reference.digest)) else {
                throw problem("\(reference.digest) is damaged: its bytes have another digest or size")
            }
            return document
        }

        private func checkBlob(_ path: String, _ reference: Reference) throws(ImageError) {
            let file = try OCILayout.open(path, in: folder)
            var hash = SHA256()
            var count = 0
            while case let piece = try FileSystem.piece(of: file.raw, path), !piece.isEmpty {
                count += piece.count
                guard count <= reference.size else { break }
                hash.update(piece)
            }
            guard count == reference.size, hash.hexDigest() == (try digits(of: reference.digest)) else {
                throw problem("\(reference.digest) is damaged: its bytes have another digest or size")
            }
        }

        private func whole(_ path: String) throws(ImageError) -> [UInt8] {
            let file = try OCILayout.open(path, in: folder)
            var bytes: [UInt8] = []
            while case let piece = try FileSystem.piece(of: file.raw, path), !piece.isEmpty {
                bytes += piece
                guard bytes.count <= OCILayout.mostDocumentBytes else {
                    throw problem("'\(path)' is larger than \(OCILayout.mostDocumentBytes >> 20) MiB")
                }
            }
            return bytes
        }

        private func decode<Value: Decodable>(
            _ type: Value.Type, _ bytes: [UInt8], _ name: String
        ) throws(ImageError) -> Value {
            do {
                return try JSONDecoder().decode(type, from: Data(bytes))
            } catch {
                throw problem("'\(name)' is not as the format has it: \(error)")
            }
        }

        private func problem(_ text: String) -> ImageError { .step(name: "reading the image", detail: text) }
    }

    private static let indexTypes: Set = [
        "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json",
    ]
    private static let manifestTypes: Set = [
        "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
    ]
    private static let layerTypes: [String: ArchiveStream.Compression] = [
        "application/vnd.oci.image.layer.v1.tar": .none,
        "application/vnd.oci.image.layer.v1.tar+gzip": .gzip,
        "application/vnd.oci.image.layer.v1.tar+zstd": .zstd,
        "application/vnd.docker.image.rootfs.diff.tar": .none,
        "application/vnd.docker.image.rootfs.diff.tar.gzip": .gzip,
    ]
}
