extension String {
    /// The text as it may stand on a terminal, where a job or another stranger chose it: escape sequences are for programs.
    public var printable: String { printable(keeping: []) }

    /// The same for a text of several lines, such as a program's output.
    public var printableLines: String { printable(keeping: ["\n"]) }

    private func printable(keeping kept: Set<Unicode.Scalar>) -> String {
        var text = ""
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                if kept.contains(scalar) {
                    text.unicodeScalars.append(scalar)
                } else {
                    text += "\\u{\(String(scalar.value, radix: 16))}"
                }
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
