import Jobs

extension JSONObject {
    func string(_ name: String) -> String? {
        guard case .string(let text)? = self[name] else { return nil }
        return text
    }

    func integer(_ name: String) -> Int? {
        guard case .number(let number)? = self[name] else { return nil }
        return number.integer
    }

    func double(_ name: String) -> Double? {
        guard case .number(let number)? = self[name] else { return nil }
        return number.double
    }

    func bool(_ name: String) -> Bool {
        self[name] == .bool(true)
    }

    func object(_ name: String) -> JSONObject? {
        guard case .object(let object)? = self[name] else { return nil }
        return object
    }

    func objects(_ name: String) -> [JSONObject] {
        guard case .array(let elements)? = self[name] else { return [] }
        return elements.compactMap { if case .object(let object) = $0 { object } else { nil } }
    }

    mutating func add(_ name: String, _ value: JSONValue) { members.append(.init(name: name, value: value)) }
}
