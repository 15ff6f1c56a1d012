// The WebSocket of a browser terminal: the first text message carries the grant
// and the size; then binary frames are bytes of the session, text frames are
// control messages.
import { asSentence } from "../../api/problem";

export type ServerMessage =
  | { type: "ready"; clipboard: boolean } // the shell is open; whether one may copy and paste
  | { type: "notice"; message: string } // a sentence for the person
  | { type: "ended"; message: string; exitStatus: number | undefined }
  | { type: "refused"; message: string; code: string };

/** A control message of the server; undefined for anything that is not one. */
export function parseServerMessage(text: string): ServerMessage | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof raw !== "object" || raw === null) return undefined;
  const m = raw as Record<string, unknown>;
  const message = typeof m["message"] === "string" ? m["message"] : "";
  switch (m["type"]) {
    case "ready":
      return { type: "ready", clipboard: m["clipboard"] !== "block" };
    case "notice":
      return { type: "notice", message };
    case "ended":
      return { type: "ended", message, exitStatus: typeof m["exit_status"] === "number" ? m["exit_status"] : undefined };
    case "refused":
      return { type: "refused", message, code: typeof m["code"] === "string" ? m["code"] : "" };
    default:
      return undefined;
  }
}

export interface Size {
  cols: number;
  rows: number;
}

interface Handlers {
  onBytes: (data: Uint8Array) => void;
  onMessage: (m: ServerMessage) => void;
  onClose: (end: End) => void;
}

type Ending = Extract<ServerMessage, { type: "ended" | "refused" }>;

/** The connection is gone. `said` is the server's own last word, if it had one. */
export interface End {
  type?: "ended" | "refused"; // absent: the connection broke
  said: string | undefined;
}

function sentenceOf(m: Ending | undefined): string | undefined {
  return m && m.message !== "" ? asSentence(m.message) : undefined;
}

/** One connection, for one grant. */
export class TerminalConnection {
  private readonly socket: WebSocket;
  private readonly encoder = new TextEncoder();
  private last: Ending | undefined;
  private notice: string | undefined; // why the product ended it, when it did
  private closed = false;
  private leaving = false;

  constructor(url: string, grant: string, size: Size, h: Handlers) {
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.socket.send(JSON.stringify({ type: "open", grant, cols: size.cols, rows: size.rows }));
    this.socket.onmessage = (e: MessageEvent<unknown>) => {
      if (e.data instanceof ArrayBuffer) {
        h.onBytes(new Uint8Array(e.data));
      } else if (typeof e.data === "string") {
        const m = parseServerMessage(e.data);
        if (m?.type === "ended" || m?.type === "refused") this.last = m;
        if (m?.type === "notice") this.notice = m.message;
        if (m) h.onMessage(m);
      }
    };
    this.socket.onclose = (e) => {
      if (this.closed) return;
      this.closed = true;
      if (this.leaving) h.onClose({ type: "ended", said: undefined }); // the reason of the close is our own
      else h.onClose({ ...this.last, said: sentenceOf(this.last) ?? (this.last ? this.notice : undefined) ?? (e.reason ? asSentence(e.reason) : undefined) });
    };
  }

  type(text: string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(this.encoder.encode(text));
  }

  /** Bytes that are not text, such as mouse reports: one byte a character. */
  typeBinary(data: string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(Uint8Array.from(data, (c) => c.charCodeAt(0) & 0xff));
  }

  resize(size: Size): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type: "resize", cols: size.cols, rows: size.rows }));
  }

  /** Ends the session: the server closes it when its client leaves. */
  end(): void {
    this.leaving = true;
    this.socket.close(1000, "ended by the user");
  }
}
