import LaunchProtocol
import Testing

/// Bytes that nobody should send, to every decoder: they are refused or mean exactly themselves, and nothing crashes.
@Suite("Fuzzed messages")
struct FuzzTests {
    /// A message that is accepted must be the encoding of what was understood: no byte is ignored, and nothing is as large
    /// as its lengths say, only as large as it is.
    private func feed(_ bytes: [UInt8]) -> Int {
        var accepted = 0
        for (name, decode) in Samples.decoders {
            guard let again = decode(bytes) else { continue }
            accepted += 1
            if again != bytes { Issue.record("\(name) took \(bytes) for \(again)") }
        }
        return accepted
    }

    @Test("100,000 mutations of good messages")
    func mutations() {
        var generator = FixedGenerator(seed: 42)
        let encodings = Samples.encodings
        var accepted = 0
        for _ in 0..<100_000 {
            var bytes = encodings[Int.random(in: 0..<encodings.count, using: &generator)]
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<6, using: &generator) {
                case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 1 where !bytes.isEmpty: bytes[place] = [0, 1, 127, 128, 255].randomElement(using: &generator) ?? 0
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                case 3 where !bytes.isEmpty: bytes.remove(at: place)
                case 4: bytes = Array(bytes.prefix(place))
                default: bytes += generator.bytes(upTo: 8)
                }
            }
            accepted += feed(bytes)
        }
        // Some still have the form, else nothing was tried beyond the first byte.
        #expect(accepted > 1_000)
    }

    @Test("20,000 random byte strings, and short ones in full")
    func random() {
        var generator = FixedGenerator(seed: 7)
        for _ in 0..<20_000 { _ = feed(generator.bytes(upTo: 200)) }
        for first in UInt8.min...255 {
            _ = feed([first])
            for second in UInt8.min...255 { _ = feed([first, second]) }
        }
        _ = feed([])
    }

    @Test("lengths that promise more than there is allocate nothing like it")
    func bombs() {
        // Every four bytes of every message say 0xFFFFFFFF once: with memory given by these lengths this would be terabytes.
        for bytes in Samples.encodings where bytes.count >= 4 {
            for place in 0...(bytes.count - 4) {
                var bomb = bytes
                for offset in 0..<4 { bomb[place + offset] = 0xFF }
                _ = feed(bomb)
            }
        }
    }
}
