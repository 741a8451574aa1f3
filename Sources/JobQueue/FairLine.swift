/// A line in which owners take turns: of each the first in goes first out, and who comes new has the turn after all
/// others. With one owner, or with jobs that are nobody's, it is first in, first out.
struct FairLine {
    private struct Returned: Equatable {
        let id: String
        let owner: String?
    }

    /// Jobs that were given back: before all others, the last one first.
    private var returned = Line<Returned>()
    /// Of each owner with jobs in the line; none is empty.
    private var lines: [String?: Line<String>] = [:]
    /// The owners in `lines`, by their turns.
    private var turns = Line<String?>()
    private var counts: [String?: Int] = [:]
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// How many jobs of an owner are in the line.
    func count(of owner: String?) -> Int { counts[owner] ?? 0 }

    mutating func append(_ id: String, of owner: String?) {
        if lines[owner] == nil { turns.append(owner) }
        lines[owner, default: Line()].append(id)
        note(1, of: owner)
    }

    mutating func prepend(_ id: String, of owner: String?) {
        returned.prepend(Returned(id: id, owner: owner))
        note(1, of: owner)
    }

    mutating func popFirst() -> String? {
        if let first = returned.popFirst() {
            note(-1, of: first.owner)
            return first.id
        }
        guard let owner = turns.popFirst(), let id = lines[owner]?.popFirst() else { return nil }
        if lines[owner]?.isEmpty ?? true { lines[owner] = nil } else { turns.append(owner) }
        note(-1, of: owner)
        return id
    }

    /// Takes a job out wherever it stands; takes time in proportion to the length.
    mutating func remove(_ id: String, of owner: String?) {
        let before = returned.count + (lines[owner]?.count ?? 0)
        returned.remove(Returned(id: id, owner: owner))
        lines[owner]?.remove(id)
        if lines[owner]?.isEmpty == true {
            lines[owner] = nil
            turns.remove(owner)
        }
        note(returned.count + (lines[owner]?.count ?? 0) - before, of: owner)
    }

    private mutating func note(_ change: Int, of owner: String?) {
        count += change
        counts[owner, default: 0] += change
        if counts[owner] == 0 { counts[owner] = nil }
    }
}
