// Times, durations, sizes and ids as people read them. Pure.

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** "just now", "4 min ago", "in 2 h", "3 d ago"; a date beyond a month. */
export function relative(at: Date, now: Date): string {
  const s = Math.round((at.getTime() - now.getTime()) / 1000);
  const past = s <= 0;
  const n = Math.abs(s);
  if (n < 10) return "just now";
  const text = n < minute ? `${n} s` : n < hour ? `${Math.round(n / minute)} min` : n < day ? `${Math.round(n / hour)} h` : n < 31 * day ? `${Math.round(n / day)} d` : "";
  if (text === "") return at.toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
  return past ? `${text} ago` : `in ${text}`;
}

/** Exact time in the reader's zone and in UTC, for hover and detail. */
export function exact(at: Date): string {
  return `${local(at)} · ${at.toISOString().replace("T", " ").replace(/\.\d+Z$/, "")} UTC`;
}

export function local(at: Date): string {
  return at.toLocaleString(undefined, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/** "45 s", "4 min 10 s", "2 h 5 min", "3 d 4 h". Two units at most. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < minute) return `${s} s`;
  if (s < hour) return pair(Math.floor(s / minute), "min", s % minute, "s");
  if (s < day) return pair(Math.floor(s / hour), "h", Math.floor((s % hour) / minute), "min");
  return pair(Math.floor(s / day), "d", Math.floor((s % day) / hour), "h");
}

function pair(a: number, ua: string, b: number, ub: string): string {
  return b === 0 ? `${a} ${ua}` : `${a} ${ua} ${b} ${ub}`;
}

/** "1:05", "1:02:03": a clock for players and time left. */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const h = Math.floor(s / hour);
  const m = Math.floor((s % hour) / minute);
  const rest = String(s % minute).padStart(2, "0");
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${rest}` : `${m}:${rest}`;
}

/** "512 B", "4.2 KiB", "1.3 GiB". */
export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let v = n;
  let i = -1;
  do {
    v /= 1024;
    i++;
  } while (v >= 1024 && i < units.length - 1);
  return `${v < 10 ? v.toFixed(1) : Math.round(v)} ${units[i]}`;
}

/** A long id or hash with its middle left out. Short ones stay whole. */
export function shortId(id: string, head = 9, tail = 5): string {
  return id.length <= head + tail + 1 ? id : `${id.slice(0, head)}…${id.slice(-tail)}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** First letters for an avatar: "Ada Lovelace" is AL. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = words[0]?.charAt(0) ?? "?";
  const last = words.length > 1 ? (words.at(-1)?.charAt(0) ?? "") : "";
  return (first + last).toUpperCase();
}
