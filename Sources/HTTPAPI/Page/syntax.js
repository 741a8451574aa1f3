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
  ruby: words("alias and begin break case class def defined do else elsif end ensure false for if in module next nil not or redo rescue retry return self super then true undef unless until when while yield require loop puts"),
  php: words("abstract and array as break case catch class const continue declare default do echo else elseif extends false final finally fn for foreach function global if implements instanceof interface match namespace new null or private protected public readonly return static switch throw trait true try use var while yield"),
  perl: words("and cmp continue do each else elsif eq foreach for ge gt if last le local lt my ne next no not or our package print redo require return scalar sub undef unless until use while"),
  lua: words("and break do else elseif end false for function goto if in local nil not or repeat return then true until while"),
  rust: words("as async await bool break char const continue crate dyn else enum extern f64 false fn for i32 i64 if impl in let loop match mod move mut pub ref return self static str struct super trait true type u8 u64 unsafe use usize where while String Vec"),
  haskell: words("case class data deriving do else if import in infix infixl infixr instance let module newtype of then type where Bool Char Double Int Integer IO Maybe String"),
};
keywords["python-data"] = keywords.python;
keywords.typescript = new Set([...keywords.javascript, ...words("abstract any as boolean declare enum implements interface keyof namespace never number private protected public readonly satisfies string type unknown")]);

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
  ruby: family("#(?!\\{)[^\\n]*", `${double}|${single}`),
  php: family(`${slashes}|#(?!\\[)[^\\n]*`, `${double}|${single}`),
  perl: family("(?<![$\\w])#[^\\n]*", `${double}|${single}`),
  lua: family("--(?:\\[\\[[\\s\\S]*?(?:\\]\\]|$)|[^\\n]*)", `${double}|${single}`),
  // A quote begins a lifetime as well as a character.
  rust: family(slashes, `${double}|'(?:\\\\[^']*|[^'\\\\\\n])'`),
  haskell: family("--[^\\n]*|\\{-[\\s\\S]*?(?:-\\}|$)", `${double}|'(?:\\\\[^']*|[^'\\\\\\n])'`),
  // A quoted text of a shell goes over lines.
  bash: family("(?<![\\w$&{])#[^\\n]*", `"(?:\\\\[\\s\\S]|[^"\\\\])*"?|'[^']*'?`),
};
families["python-data"] = families.python;
families.typescript = families.javascript;
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
