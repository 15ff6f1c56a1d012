// The WebSocket of a browser terminal: the first text message carries the grant
// and the size; then binary frames are bytes of the session, text frames are
// control messages.

export type ServerMessage =
  | { type: "ready"; message: string; expiresAt: Date | undefined }
  | { type: "notice"; message: string }
  | { type: "ended"; message: string };

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
    case "ready": {
      const at = typeof m["expires_at"] === "string" ? new Date(m["expires_at"]) : undefined;
      return { type: "ready", message, expiresAt: at && !Number.isNaN(at.getTime()) ? at : undefined };
    }
    case "notice":
    case "ended":
      return { type: m["type"], message };
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
  /** The connection is gone. `said` is the server's own last word, if it had one. */
  onClose: (said: string | undefined) => void;
}

/** One connection, for one grant. */
export class TerminalConnection {
  private readonly socket: WebSocket;
  private readonly encoder = new TextEncoder();
  private said: string | undefined;
  private closed = false;

  constructor(url: string, grant: string, size: Size, h: Handlers) {
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.socket.send(JSON.stringify({ grant, cols: size.cols, rows: size.rows }));
    this.socket.onmessage = (e: MessageEvent<unknown>) => {
      if (e.data instanceof ArrayBuffer) {
        h.onBytes(new Uint8Array(e.data));
      } else if (typeof e.data === "string") {
        const m = parseServerMessage(e.data);
        if (m?.type === "ended") this.said = m.message;
        if (m) h.onMessage(m);
      }
    };
    this.socket.onclose = (e) => {
      if (this.closed) return;
      this.closed = true;
      h.onClose(this.said ?? (e.reason || undefined));
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
    this.socket.close(1000, "ended by the user");
  }
}
