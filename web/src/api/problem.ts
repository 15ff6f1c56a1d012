/** One wrong input value, as the server names it: a JSON path and what it expected there. */
export interface FieldProblem {
  path: string;
  message: string;
}

interface ProblemBody {
  title?: string;
  detail?: string;
  code?: string;
  errors?: FieldProblem[];
  request_id?: string;
}

const waitsSentence = "This change waits for a second administrator. Nothing has changed yet.";
const exportWaits = "This export waits for a second administrator. Once it is approved, export again: three times within 72 hours.";

/**
 * The one error of the API layer: an RFC 9457 problem, or the lack of an answer.
 * `message` is a sentence that may be shown to the person as it is.
 */
export class Problem extends Error {
  readonly status: number; // 0: no answer came
  readonly code: string; // stable, upper case
  readonly fields: FieldProblem[];
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly waiting: string | undefined; // id of what waits for a second person: nothing was refused

  constructor(init: {
    status: number;
    code: string;
    message: string;
    fields?: FieldProblem[];
    requestId?: string | undefined;
    retryAfterSeconds?: number | undefined;
    waiting?: string | undefined;
  }) {
    super(init.message);
    this.name = "Problem";
    this.status = init.status;
    this.code = init.code;
    this.fields = init.fields ?? [];
    this.requestId = init.requestId;
    this.retryAfterSeconds = init.retryAfterSeconds;
    this.waiting = init.waiting;
  }

  static offline(cause: unknown): Problem {
    const p = new Problem({
      status: 0,
      code: "UNREACHABLE",
      message: "The server does not answer. Check your network, then try again.",
    });
    p.cause = cause;
    return p;
  }

  /** A change that waits for a second person: nothing has changed yet, so it is no success. */
  static ofWaiting(body: unknown): Problem | undefined {
    if (!isRecord(body) || !isRecord(body.governance_action)) return undefined;
    const { id, kind } = body.governance_action;
    return new Problem({ status: 202, code: "WAITS_FOR_APPROVAL", message: kind === "audit_export" ? exportWaits : waitsSentence, waiting: typeof id === "string" ? id : undefined });
  }

  static fromResponse(status: number, headers: Headers, body: unknown): Problem {
    const b: ProblemBody = isRecord(body) ? body : {};
    const fields = Array.isArray(b.errors) ? b.errors.filter(isFieldProblem) : [];
    return new Problem({
      status,
      code: typeof b.code === "string" ? b.code : codeOf(status),
      message: sentence(b, status),
      fields,
      requestId: typeof b.request_id === "string" ? b.request_id : (headers.get("x-request-id") ?? undefined),
      retryAfterSeconds: seconds(headers.get("retry-after")),
    });
  }

  /** The message for one form field, if the server complained about it. */
  field(path: string): string | undefined {
    return this.fields.find((f) => plainPath(f.path) === path)?.message;
  }

  get isDenied(): boolean {
    return this.status === 403;
  }
  get isNotFound(): boolean {
    return this.status === 404;
  }
  get isSignedOut(): boolean {
    return this.status === 401;
  }
  /** It was taken, and waits for a second person. */
  get isWaiting(): boolean {
    return this.code === "WAITS_FOR_APPROVAL";
  }
  /** The act is allowed after a fresh proof of the second factor. */
  get wantsStepUp(): boolean {
    return this.code === "MFA_REQUIRED" || this.code === "STEP_UP_REQUIRED";
  }
}

/** Any thrown value as a Problem, so that views handle one type. */
export function asProblem(err: unknown): Problem {
  if (err instanceof Problem) return err;
  const p = new Problem({
    status: 0,
    code: "CONSOLE_FAULT",
    message: "The console failed to show this. Reload the page; if it stays, tell your administrator.",
  });
  p.cause = err;
  return p;
}

/** "body.policy.idle_timeout_seconds" and "/policy/idle_timeout_seconds" name the same field. */
function plainPath(path: string): string {
  return path.replace(/^\//, "").replaceAll("/", ".").replace(/^body\./, "");
}

function sentence(b: ProblemBody, status: number): string {
  if (typeof b.detail === "string" && b.detail !== "") return asSentence(b.detail);
  if (typeof b.title === "string" && b.title !== "") return asSentence(b.title);
  return status >= 500 ? "The server could not do this." : "The server refused this.";
}

/** The server writes clauses, for terminals and logs alike; a page shows sentences. */
export function asSentence(clause: string): string {
  const text = clause.trim();
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?:]$/.test(text) ? "" : ".");
}

function codeOf(status: number): string {
  switch (status) {
    case 401:
      return "AUTH_FAILED";
    case 403:
      return "NOT_PERMITTED";
    case 404:
      return "NOT_FOUND";
    case 409:
      return "CONFLICT";
    case 429:
      return "RATE_LIMITED";
    case 503:
      return "UNAVAILABLE";
    default:
      return status >= 500 ? "INTERNAL" : "INVALID";
  }
}

function seconds(header: string | null): number | undefined {
  if (header === null || !/^\d+$/.test(header)) return undefined;
  return Number(header);
}

function isRecord(v: unknown): v is Record<string, unknown> {
  return typeof v === "object" && v !== null && !Array.isArray(v);
}

function isFieldProblem(v: unknown): v is FieldProblem {
  return isRecord(v) && typeof v["path"] === "string" && typeof v["message"] === "string";
}
