import { expect, it } from "vitest";
import { parseServerMessage } from "./protocol";

it("reads the three messages of the server", () => {
  expect(parseServerMessage('{"type":"ready","message":"hello","expires_at":"2025-03-04T08:12:51Z"}')).toEqual({ type: "ready", message: "hello", expiresAt: new Date("2025-03-04T08:12:51Z") });
  expect(parseServerMessage('{"type":"ready"}')).toEqual({ type: "ready", message: "", expiresAt: undefined });
  expect(parseServerMessage('{"type":"ready","expires_at":"soon"}')).toEqual({ type: "ready", message: "", expiresAt: undefined });
  expect(parseServerMessage('{"type":"notice","message":"5 minutes left"}')).toEqual({ type: "notice", message: "5 minutes left" });
  expect(parseServerMessage('{"type":"ended","message":"Session ended."}')).toEqual({ type: "ended", message: "Session ended." });
});

it("passes over everything else", () => {
  for (const text of ["", "{", "[]", "null", "7", '{"type":"reload"}', '{"message":"x"}']) expect(parseServerMessage(text)).toBeUndefined();
});
