import Hashing
import Testing

@Suite("SHA-256")
struct SHA256Tests {
    @Test(
        "agrees with the standard's examples",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
            (
                String(repeating: "a", count: 1_000_000),
                "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
            ),
        ])
    func examples(text: String, digest: String) {
        #expect(SHA256.hex(Array(text.utf8)) == digest)
    }

    @Test("a message in pieces has the digest of the whole, wherever it is cut")
    func pieces() {
        let message = (0..<200).map { UInt8($0) }
        for length in 0...message.count {
            var whole = SHA256()
            whole.update(Array(message[..<length]))
            let digest = whole.finish()
            #expect(digest.count == SHA256.digestBytes)
            for cut in stride(from: 0, through: length, by: 13) {
                var parts = SHA256()
                parts.update(Array(message[..<cut]))
                parts.update([])
                parts.update(Array(message[cut..<length]))
                #expect(parts.finish() == digest)
            }
        }
    }
}
