// Server-sent events (WHATWG HTML section 9.2) out of a response's body. EventSource cannot send a key.

/** What one event may take, in characters: a result with all output and files fits. */
const mostOfOneEvent = 160 << 20;

/**
 * The events of a body, each `{id, name, data}`.
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} onLife is called whenever something arrives, comments too.
 */
export async function* events(body, onLife = () => {}) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let pieces = [];
  let held = 0;
  let id = "";
  let name = "";
  let data = null;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      onLife();
      let start = 0;
      for (;;) {
        const end = value.indexOf("\n", start);
        if (end < 0) break;
        pieces.push(value.slice(start, end));
        start = end + 1;
        const line = pieces.join("").replace(/\r$/, "");
        pieces = [];
        if (line === "") {
          if (data !== null) yield { id, name: name || "message", data };
          held = 0;
          name = "";
          data = null;
          continue;
        }
        const colon = line.indexOf(":");
        if (colon === 0) continue;
        const field = colon < 0 ? line : line.slice(0, colon);
        const rest = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "data") data = data === null ? rest : `${data}\n${rest}`;
        else if (field === "event") name = rest;
        else if (field === "id" && !rest.includes("\0")) id = rest;
      }
      if (start < value.length) pieces.push(value.slice(start));
      held += value.length;
      if (held > mostOfOneEvent) throw new Error("an event is larger than this page takes");
    }
  } finally {
    // Whoever stops early lets the connection go.
    reader.cancel().catch(() => {});
  }
}
