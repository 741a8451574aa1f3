// A program as a link: everything is behind the "#", which browsers do not send to any server.

import { array, number, object, string } from "./text.js";

/** Characters of a program, its input and its cases together, in a link that is opened. */
const most = 2 << 20;
const packed = "z1.";
const bare = "j1.";

function toBase64URL(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  }
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64URL(text) {
  const decoded = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const all = new Uint8Array(decoded.length);
  for (let index = 0; index < all.length; index += 1) all[index] = decoded.charCodeAt(index);
  return all;
}

/** All of a stream, or an error as soon as it is more than it may be. */
async function bounded(stream) {
  const reader = stream.getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) {
      reader.cancel().catch(() => {});
      throw new Error("it holds more than this page takes");
    }
    parts.push(value);
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const piped = (bytes, transform) => bounded(new Blob([bytes]).stream().pipeThrough(transform));

/** What stands behind the "#" for a program. */
export async function encode(program) {
  const bytes = new TextEncoder().encode(JSON.stringify(program));
  if (bytes.length > most) throw new Error("The program is too large for a link.");
  if (typeof CompressionStream === "undefined") return bare + toBase64URL(bytes);
  return packed + toBase64URL(await piped(bytes, new CompressionStream("deflate-raw")));
}

export const isProgram = (fragment) => fragment.startsWith(packed) || fragment.startsWith(bare);

/** The program of a link; nothing of it is believed but that it is text. */
export async function decode(fragment) {
  let bytes = fromBase64URL(fragment.slice(packed.length));
  if (bytes.length > most) throw new Error("it holds more than this page takes");
  if (fragment.startsWith(packed)) bytes = await piped(bytes, new DecompressionStream("deflate-raw"));
  return clean(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
}

/** A program with only the fields that there are, each of its type. */
export function clean(value) {
  const given = object(value);
  const limits = {};
  for (const [name, limit] of Object.entries(object(given.limits)).slice(0, 20)) {
    if (number(limit) !== null && limit > 0) limits[name] = limit;
  }
  return {
    language: string(given.language),
    code: string(given.code),
    mode: ["fixed", "live", "cases"].includes(given.mode) ? given.mode : "fixed",
    stdin: string(given.stdin),
    args: array(given.args).map(string).slice(0, 64),
    collect: array(given.collect).map(string).slice(0, 64),
    cases: array(given.cases).slice(0, 100).map(object).map((one) => ({
      name: string(one.name), stdin: string(one.stdin),
      ...(typeof one.expectedOutput === "string" ? { expectedOutput: one.expectedOutput } : {}),
    })),
    compare: ["trimmed", "exact", "tokens", "floats"].includes(given.compare) ? given.compare : "trimmed",
    stopOnFailure: given.stopOnFailure === true,
    limits,
  };
}
