import { type ITheme, Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { cspDocument } from "./csp-document";

/** The terminal's colours, equal in both themes: programs assume a dark screen. */
const colours: ITheme = {
  background: "#0d1317",
  foreground: "#d9e1e5",
  cursor: "#4fcabf",
  cursorAccent: "#0d1317",
  selectionBackground: "#2fb5a94d",
  black: "#1b2429",
  red: "#f4797a",
  green: "#57c785",
  yellow: "#e2b34f",
  blue: "#7cb0f5",
  magenta: "#c99df0",
  cyan: "#4fcabf",
  white: "#c9d1d6",
  brightBlack: "#7b878f",
  brightRed: "#ff9a9a",
  brightGreen: "#7be0a3",
  brightYellow: "#f2cc7c",
  brightBlue: "#a3c9fa",
  brightMagenta: "#dcbdf7",
  brightCyan: "#83e0d8",
  brightWhite: "#f2f6f8",
};

interface Options {
  cols?: number;
  rows?: number;
  fontSize: number;
  scrollback: number;
  readOnly: boolean;
}

export interface Screen {
  term: Terminal;
  dispose: () => void;
}

/** Makes the whole screen fit a width and height by the size of its letters. */
export function fitScreen({ term }: Screen, width: number, height: number): void {
  const wide = width / (term.cols * 0.605);
  const high = height / (term.rows * 1.2 * 1.17);
  term.options.fontSize = Math.max(4, Math.min(16, Math.floor(Math.min(wide, high) * 2) / 2));
}

/** Keeps a terminal in host from the clipboard, and says what was tried. */
export function keepFromClipboard(host: HTMLElement, tried: (what: "copying" | "pasting") => void): void {
  for (const [event, what] of [
    ["copy", "copying"],
    ["cut", "copying"],
    ["dragstart", "copying"],
    ["paste", "pasting"],
    ["drop", "pasting"],
  ] as const) {
    host.addEventListener(
      event,
      (e) => {
        e.preventDefault();
        e.stopImmediatePropagation();
        tried(what);
      },
      { capture: true },
    );
  }
}

/**
 * A terminal in host. What it shows comes from a target that may be hostile, so
 * nothing it prints can act: links do not open, titles and clipboard requests
 * are ignored.
 */
export function openScreen(host: HTMLElement, o: Options): Screen {
  const stand = cspDocument(document);
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const term = new Terminal({
    documentOverride: stand.document,
    cols: o.cols ?? 80,
    rows: o.rows ?? 24,
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono").trim() || "monospace",
    fontSize: o.fontSize,
    lineHeight: 1.2,
    theme: colours,
    scrollback: o.scrollback,
    disableStdin: o.readOnly,
    cursorBlink: !o.readOnly && !still,
    cursorInactiveStyle: o.readOnly ? "block" : "outline",
    linkHandler: { activate: () => undefined },
    minimumContrastRatio: 1,
  });
  term.open(host);
  return {
    term,
    dispose: () => {
      term.dispose();
      stand.dispose();
    },
  };
}
