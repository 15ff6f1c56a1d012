import { describe, expect, it } from "vitest";
import { CastReader, parseSize } from "./cast";
import { density, durationOf, markers, printable, search } from "./timeline";

function read(...lines: string[]) {
  const r = new CastReader();
  for (const l of lines) r.line(l);
  return r;
}

describe("CastReader", () => {
  it("reads v3: times since the event before", () => {
    const { cast } = read('{"version":3,"term":{"cols":100,"rows":28}}', '[0.5,"o","a"]', "# a comment", '[0.25,"r","120x40"]', '[1,"x","0"]');
    expect([cast.cols, cast.rows]).toEqual([100, 28]);
    expect(cast.events).toEqual([
      { at: 0.5, kind: "output", data: "a" },
      { at: 0.75, kind: "resize", data: "120x40" },
      { at: 1.75, kind: "exit", data: "0" },
    ]);
    expect(durationOf(cast)).toBe(1.75);
  });

  it("reads v2: times since the start, never backwards", () => {
    const { cast } = read('{"version":2,"width":80,"height":24}', '[1,"o","a"]', '[0.5,"i","b"]', '[2,"m","c"]');
    expect(cast.events.map((e) => e.at)).toEqual([1, 1, 2]);
  });

  it("counts damaged lines and goes on; passes over kinds that it does not know", () => {
    const r = read('{"version":3,"term":{"cols":-5,"rows":1e9}}', "{", "[1]", '[1,"q","x"]', '[1,"o","ok"]');
    expect(r.bad).toBe(2);
    expect(r.cast.events).toEqual([{ at: 2, kind: "output", data: "ok" }]);
    expect([r.cast.cols, r.cast.rows]).toEqual([80, 500]);
  });

  it("refuses what is no asciicast", () => {
    expect(() => read('{"version":1}')).toThrow("version 1");
    expect(() => read("[]")).toThrow("header");
  });

  it("bounds sizes", () => {
    expect(parseSize("120x40")).toEqual({ cols: 120, rows: 40 });
    expect(parseSize("0x0")).toEqual({ cols: 80, rows: 24 });
    expect(parseSize("65535x65535")).toEqual({ cols: 500, rows: 500 });
    expect(parseSize("a")).toBeUndefined();
  });
});

describe("timeline", () => {
  const events = [
    { at: 0, kind: "output" as const, data: "\u001b[1;32mdeploy\u001b[0m$ tail err" },
    { at: 1, kind: "output" as const, data: "or.log\r\nline one ERROR\r\nline two\r\n" },
    { at: 9, kind: "marker" as const, data: "command: tail error.log" },
    { at: 9.1, kind: "marker" as const, data: "policy: port_forward: port_forward_blocked" },
    { at: 9.2, kind: "marker" as const, data: "sftp write /etc/motd (12 bytes): ok" },
    { at: 9.3, kind: "marker" as const, data: "local forward opened: 10.0.0.1:5432" },
    { at: 9.4, kind: "marker" as const, data: "not recorded: 12 bytes: file_content" },
    { at: 9.5, kind: "marker" as const, data: "free\u001b[2Jtext" },
    { at: 10, kind: "output" as const, data: "last error" },
  ];

  it("finds text across chunks and escape sequences, with the moment it began", () => {
    expect(search(events, "error")).toEqual([
      { at: 0, line: "deploy$ tail error.log" },
      { at: 1, line: "line one ERROR" },
      { at: 10, line: "last error" },
    ]);
    expect(search(events, "  ")).toEqual([]);
    expect(search(events, "error", 1)).toHaveLength(1);
  });

  it("names markers by their kind and shows no control characters", () => {
    expect(markers(events)).toEqual([
      { at: 9, kind: "command", label: "tail error.log" },
      { at: 9.1, kind: "policy", label: "port_forward: port_forward_blocked" },
      { at: 9.2, kind: "file", label: "sftp write /etc/motd (12 bytes): ok" },
      { at: 9.3, kind: "forward", label: "local forward opened: 10.0.0.1:5432" },
      { at: 9.4, kind: "gap", label: "not recorded: 12 bytes: file_content" },
      { at: 9.5, kind: "other", label: "freetext" },
    ]);
  });

  it("shows where something happened", () => {
    const d = density(events, 10, 10);
    expect(d).toHaveLength(10);
    expect(Math.max(...d)).toBe(1);
    expect(d[5]).toBe(0);
    expect(density([], 0, 4)).toEqual([0, 0, 0, 0]);
  });

  it("strips titles, device strings and controls", () => {
    expect(printable("\u001b]0;evil\u0007a\u001bPq\u001b\\b\u001b(Bc\u0008\u009b")).toBe("abc");
  });
});
