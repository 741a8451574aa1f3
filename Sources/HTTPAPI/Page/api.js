// Requests to the API that serves this page, and nowhere else.

import { events } from "./events.js";
import { array, label, number, object, string } from "./text.js";

/** An answer that is not what was asked for, in the server's words where it has any. */
export class Problem extends Error {
  constructor(status, body = {}, { retryAfter = null, requestID = "" } = {}) {
    super(string(body.detail) || string(body.title) || `The server answered with status ${status}.`);
    this.status = status;
    this.code = string(body.code);
    this.retryAfter = retryAfter;
    this.requestID = requestID;
    this.errors = array(body.errors).map(object).map((error) => ({
      pointer: string(error.pointer), detail: string(error.detail),
    }));
  }
}

/** No answer came: the server, or the network, is down. */
export class Unreachable extends Error {
  constructor() { super("No answer came: the server or the network is down."); }
}

// The key: only here, and only for as long as the tab lives.
const keyPlace = "bulkhead.key";

/** What can stand in a header field. */
export const isKey = (text) => /^[\x21-\x7e]{1,4096}$/.test(text);

export function key() {
  try {
    const kept = sessionStorage.getItem(keyPlace) ?? "";
    return isKey(kept) ? kept : "";
  } catch {
    return "";
  }
}

export function setKey(text) {
  if (text) sessionStorage.setItem(keyPlace, text);
  else sessionStorage.removeItem(keyPlace);
}

/**
 * Sends a request.
 * @returns {Promise<Response>} with a status of the 200s.
 * @throws {Problem} for any other, {Unreachable}, and what an aborted `fetch` throws.
 */
export async function call(path, { method = "GET", headers = {}, body, signal, keepalive = false } = {}) {
  const fields = { ...headers };
  if (key()) fields.Authorization = `Bearer ${key()}`;
  let response;
  try {
    // No redirection: the key is for this server alone.
    response = await fetch(new URL(path, document.baseURI), {
      method, headers: fields, body, signal, keepalive, cache: "no-store", redirect: "error",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable();
  }
  if (response.ok) return response;
  let told = {};
  try {
    told = object(JSON.parse(await response.text()));
  } catch {
    // A proxy's page: its status says what there is to say.
  }
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  throw new Problem(response.status, told, {
    retryAfter: Number.isFinite(seconds) ? seconds : null, requestID: response.headers.get("X-Request-Id") ?? "",
  });
}

export const getJSON = async (path, options) => object(await (await call(path, options)).json());

export const jobPath = (id) => `api/jobs/${encodeURIComponent(id)}`;

/** A name that makes a request that is sent again the same request. */
const randomName = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/**
 * Adds a job.
 * @returns {Promise<string>} its id.
 */
export async function addJob(request, signal) {
  const body = JSON.stringify(request);
  const headers = { "Content-Type": "application/json", "Idempotency-Key": randomName() };
  let answer;
  try {
    answer = await call("api/jobs", { method: "POST", headers, body, signal });
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    // The connection broke: under the same name it is the same job, if it had arrived.
    await pause(300, signal);
    answer = await call("api/jobs", { method: "POST", headers, body, signal });
  }
  const id = string(object(await answer.json()).id);
  if (!/^[\w-]{1,128}$/.test(id)) throw new Error("The server named no job.");
  return id;
}

export const cancelJob = (id, options = {}) => call(jobPath(id), { method: "DELETE", ...options });

/** Sends to the stdin of an interactive job; waits where the program has not read enough. */
export async function sendInput(id, text, isEnd, signal) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await call(`${jobPath(id)}/stdin${isEnd ? "?eof=true" : ""}`, {
        method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: new TextEncoder().encode(text), signal,
      });
      return;
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "stdin_full" || attempt >= 20) throw error;
      await pause(500, signal);
    }
  }
}

export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    }, { once: true });
  });
}

/** Three of the server's signs of life. */
const silence = 45_000;
const mostFailures = 8;

/**
 * Follows a job to its result; after a break it goes on right behind what it has heard.
 * @param {(name: string, data: object) => void} onEvent hears every event but the result.
 * @param {(isBroken: boolean) => void} onBreak hears when the stream is lost, and when it is there again.
 * @param {() => Promise<void>} breathe is waited for after each event.
 * @returns {Promise<object>} the job as `GET /api/jobs/{id}` has it.
 */
export async function follow(id, onEvent, onBreak, signal, breathe) {
  let last = "";
  for (let failures = 0; failures < mostFailures; ) {
    const connection = new AbortController();
    const stop = () => connection.abort();
    signal.addEventListener("abort", stop, { once: true });
    let timer = setTimeout(stop, silence);
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(stop, silence);
    };
    let wait = 500 * 2 ** Math.min(failures, 4);
    // Set while the page's own code runs: what fails there is no break of the stream.
    let isHeard = false;
    try {
      const response = await call(`${jobPath(id)}/events`, {
        headers: last ? { "Last-Event-ID": last } : {}, signal: connection.signal,
      });
      if (response.status === 204 || !response.body) break;
      if (failures > 0) onBreak(false);
      for await (const event of events(response.body, alive)) {
        failures = 0;
        if (event.id) last = event.id;
        const data = object(JSON.parse(event.data));
        if (event.name === "result") return data;
        isHeard = true;
        onEvent(event.name, data);
        await breathe();
        isHeard = false;
      }
    } catch (error) {
      if (signal.aborted || isHeard) throw error;
      if (error instanceof SyntaxError) throw new Error("The server sent an event that is not JSON.");
      if (error instanceof Problem) {
        if (![408, 429, 500, 502, 503, 504].includes(error.status)) throw error;
        wait = Math.max(wait, (error.retryAfter ?? 0) * 1000);
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
    failures += 1;
    onBreak(true);
    await pause(Math.min(wait, 30_000), signal);
  }
  const job = await getJSON(jobPath(id), { signal });
  if (job.state === "finished") return job;
  throw new Error(`The stream of job ${label(id, 40)} broke and did not come back; the job may still run.`);
}

/** What this server runs, and within which limits. */
export async function offer(signal) {
  const [languages, document] = await Promise.all([
    getJSON("api/languages", { signal }),
    getJSON("openapi.json", { signal }).catch((error) => {
      // Without it the page lacks the maxima, nothing else.
      if (signal?.aborted) throw error;
      return {};
    }),
  ]);
  const schema = object(object(object(document.components).schemas).LimitOverrides);
  const limits = new Map();
  for (const [name, field] of Object.entries(object(schema.properties))) {
    const of = object(field);
    limits.set(name, {
      least: number(of.minimum) ?? 1, most: number(of.maximum), standard: number(of.default),
      byLanguage: object(of["x-default-by-language"]),
    });
  }
  const list = array(languages.languages).map(object).filter((language) => string(language.name)).map((language) => ({
    name: language.name, version: string(language.version), fileName: string(language.fileName),
    aliases: array(language.aliases).map(string), isCompiled: language.compiled === true,
  }));
  return { languages: list, limits };
}
