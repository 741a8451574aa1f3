/// First in, first out, with a way back to the front and one out of the middle.
struct Line<Element> {
    /// What has been taken from the front leaves a gap that is closed once it is most of the storage.
    fileprivate var storage: [Element?] = []
    fileprivate var head = 0

    var count: Int { storage.count - head }

    var isEmpty: Bool { count == 0 }

    var first: Element? { isEmpty ? nil : storage[head] }

    mutating func append(_ element: Element) {
        storage.append(element)
    }

    mutating func prepend(_ element: Element) {
        if head > 0 {
            head -= 1
            storage[head] = element
        } else {
            storage.insert(element, at: 0)
        }
    }

    mutating func popFirst() -> Element? {
        guard let element = first else { return nil }
        storage[head] = nil
        head += 1
        if head > 32, head * 2 > storage.count {
            storage.removeFirst(head)
            head = 0
        }
        return element
    }
}

extension Line where Element: Equatable {
    /// Takes `element` out wherever it stands; takes time in proportion to the length.
    mutating func remove(_ element: Element) {
        guard let index = storage[head...].firstIndex(of: element) else { return }
        storage.remove(at: index)
    }
}
