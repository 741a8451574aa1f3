import JobQueue

/// The standard input of an interactive job that this process holds: fetched out of Redis as it comes, and dropped there
/// as the program takes it.
struct HeldInput: Sendable {
    let input = JobInput()
    /// That there may be more to fetch, or something to drop.
    let bell = Doorbell()

    init() {
        input.whenTaken { [bell] in bell.ring() }
    }

    /// The job is over.
    func end() {
        input.whenTaken(nil)
        bell.ring()
    }
}
