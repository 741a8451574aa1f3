// Colours for code: one regular expression for each family of languages, read once from left to right. What it does not know it
// leaves alone; it never decides anything but a colour.

const words = (text) => new Set(text.split(" "));

const keywords = {
  javascript: words("async await break case catch class const continue debugger default delete do else export extends false finally for from function get if import in instanceof let new null of return set static super switch this throw true try typeof undefined var void while with yield"),
  python: words("False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda match case nonlocal not or pass raise return try while with yield"),
  c: words("auto break case char const continue default do double else enum extern float for goto if inline int long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true false NULL size_t"),
  "c++": words("alignas auto bool break case catch char class concept const constexpr continue co_await co_return co_yield decltype default delete do double else enum explicit export extern false float for friend if inline int long mutable namespace new noexcept nullptr operator private protected public requires return short signed sizeof static struct switch template this throw true try typename union unsigned using virtual void volatile while"),
  java: words("abstract assert boolean break byte case catch char class const continue default do double else enum extends false final finally float for if implements import instanceof int interface long native new null package private protected public record return sealed short static super switch synchronized this throw throws transient true try var void volatile while yield"),
  go: words("break case chan const continue default defer else fallthrough false for func go goto if import interface iota map nil package range return select struct switch true type var string int int64 byte rune bool float64 error"),
  bash: words("if then else elif fi for while until do done case esac function in select time local export readonly declare return exit echo printf read set shift trap wait test true false"),
};

const number = String.raw`\b(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)\w*`;
const double = String.raw`"(?:\\[\s\S]|[^"\\\n])*"?`;
const single = String.raw`'(?:\\[\s\S]|[^'\\\n])*'?`;
const word = String.raw`[A-Za-z_$][\w$]*`;
const slashes = String.raw`\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)`;
const family = (comment, text) =>
  new RegExp(`(?<comment>${comment})|(?<string>${text})|(?<number>${number})|(?<word>${word})`, "g");
const ticks = "`(?:\\\\[\\s\\S]|[^`\\\\])*`?";

const families = {
  javascript: family(slashes, `${double}|${single}|${ticks}`),
  python: family("#[^\\n]*", `"""[\\s\\S]*?(?:"""|$)|'''[\\s\\S]*?(?:'''|$)|${double}|${single}`),
  c: family(`${slashes}|^[ \\t]*#[^\\n]*`, `${double}|${single}`),
  "c++": family(`${slashes}|^[ \\t]*#[^\\n]*`, `${double}|${single}`),
  java: family(slashes, `${double}|${single}`),
  go: family(slashes, `${double}|${single}|${ticks}`),
  // A quoted text of a shell goes over lines.
  bash: family("(?<![\\w$&{])#[^\\n]*", `"(?:\\\\[\\s\\S]|[^"\\\\])*"?|'[^']*'?`),
};
for (const name of ["c", "c++"]) families[name] = new RegExp(families[name].source, "gm");

/** Larger programs stay without colours, so that every key is felt at once. */
const most = 60_000;

/** The code as pieces `[kind, text]`; kind is empty for what has no colour. */
export function pieces(language, code) {
  const pattern = Object.hasOwn(families, language) ? families[language] : null;
  if (!pattern || code.length > most) return [["", code]];
  const known = keywords[language];
  const result = [];
  let at = 0;
  for (const match of code.matchAll(pattern)) {
    const { comment, string, number: digits, word: name } = match.groups;
    const kind = comment ? "comment" : string ? "string" : digits ? "number" : known.has(name) ? "keyword" : "";
    if (!kind) continue;
    if (match.index > at) result.push(["", code.slice(at, match.index)]);
    result.push([kind, match[0]]);
    at = match.index + match[0].length;
  }
  if (at < code.length) result.push(["", code.slice(at)]);
  return result;
}
