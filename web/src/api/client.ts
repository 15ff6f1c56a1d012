// The only module of the console that calls fetch.
import { type Dated, revive } from "./dated";
import { Problem } from "./problem";

export type Query = Record<string, string | number | boolean | undefined>;

interface Options {
  org?: string | undefined; // id of the active organization, sent as X-Active-Org-Id
  query?: Query | undefined;
  body?: unknown;
  signal?: AbortSignal | undefined;
  onOpen?: () => void; // of a stream: the server accepted it
}

const base = "/api/v1";

export async function get<T>(path: string, o: Options = {}): Promise<Dated<T>> {
  return revive<T>(await json(await send("GET", path, o)));
}

/** All pages of a list that is short in practice, as one; at most 2,000 items. */
export async function getAll<T>(path: string, o: Options = {}): Promise<{ items: Dated<T>[] }> {
  const items: Dated<T>[] = [];
  let cursor: string | undefined;
  do {
    const page = await get<{ items: T[]; next_cursor?: string }>(path, { ...o, query: { ...o.query, limit: 200, cursor } });
    items.push(...(page.items as Dated<T>[]));
    cursor = page.next_cursor as string | undefined;
  } while (cursor && items.length < 2000);
  return { items };
}

export async function post<T>(path: string, o: Options = {}): Promise<Dated<T>> {
  return revive<T>(await json(await send("POST", path, o)));
}

export async function put<T>(path: string, o: Options = {}): Promise<Dated<T>> {
  return revive<T>(await json(await send("PUT", path, o)));
}

export async function patch<T>(path: string, o: Options = {}): Promise<Dated<T>> {
  return revive<T>(await json(await send("PATCH", path, o)));
}

export async function del(path: string, o: Options = {}): Promise<void> {
  await send("DELETE", path, o);
}

/** The answer with its times as the server wrote them: what a proof or raw JSON needs. */
export async function getExact<T>(path: string, o: Options = {}): Promise<T> {
  return (await json(await send("GET", path, o))) as T;
}

export async function getText(path: string, o: Options = {}): Promise<string> {
  return (await send("GET", path, o)).text();
}

export async function getBlob(path: string, o: Options = {}): Promise<Blob> {
  return (await send("GET", path, o)).blob();
}

/** Lines of a text answer as they arrive. */
export async function* getLines(path: string, o: Options = {}): AsyncGenerator<string> {
  const res = await send("GET", path, o);
  o.onOpen?.();
  if (res.body === null) return;
  const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      rest += value;
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
    if (rest !== "") yield rest;
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

/**
 * Server-sent events, read by fetch because EventSource cannot send the header
 * that names the organization. Yields the data of each event.
 */
export async function* getEvents(path: string, o: Options = {}): AsyncGenerator<string> {
  let data: string[] = [];
  for await (const line of getLines(path, o)) {
    const text = line.replace(/\r$/, "");
    if (text === "" && data.length > 0) {
      yield data.join("\n");
      data = [];
    } else if (text.startsWith("data:")) {
      data.push(text.slice(5).trimStart());
    }
  }
}

/** Address of a WebSocket of the API on our own origin. */
export function socketURL(path: string): string {
  const url = new URL(base + path, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

const signedOutListeners = new Set<() => void>();

/** Calls fn whenever the server says that nobody is signed in (any more). */
export function onSignedOut(fn: () => void): () => void {
  signedOutListeners.add(fn);
  return () => signedOutListeners.delete(fn);
}

async function send(method: string, path: string, o: Options): Promise<Response> {
  const url = new URL(base + path, window.location.origin);
  for (const [key, value] of Object.entries(o.query ?? {})) {
    if (value !== undefined && value !== "") url.searchParams.set(key, String(value));
  }
  const headers = new Headers({ Accept: "application/json, application/problem+json;q=0.9, */*;q=0.1" });
  if (o.org !== undefined) headers.set("X-Active-Org-Id", o.org);
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store" };
  if (o.signal) init.signal = o.signal;
  if (o.body !== undefined) {
    headers.set("Content-Type", "application/json");
    init.body = JSON.stringify(o.body);
  }
  let res: Response;
  try {
    res = await fetch(url, init);
  } catch (err) {
    if (o.signal?.aborted) throw err;
    throw Problem.offline(err);
  }
  if (res.status === 202) {
    const waits = Problem.ofWaiting(await json(res.clone()).catch(() => undefined));
    if (waits) throw waits;
  }
  if (res.ok) return res;
  const problem = Problem.fromResponse(res.status, res.headers, await json(res).catch(() => undefined));
  // A refused sign-in is also 401; it belongs to the form, not to the session.
  if (problem.isSignedOut && !path.startsWith("/auth/login") && !path.startsWith("/auth/mfa")) {
    for (const fn of signedOutListeners) fn();
  }
  throw problem;
}

async function json(res: Response): Promise<unknown> {
  if (res.status === 204) return undefined;
  const text = await res.text();
  return text === "" ? undefined : JSON.parse(text);
}
