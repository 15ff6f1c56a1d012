import { expect, it } from "vitest";
import { parseServerMessage } from "./protocol";

it("reads the messages of the server", () => {
  expect(parseServerMessage('{"type":"ready","clipboard":"allow"}')).toEqual({ type: "ready", clipboard: true });
  expect(parseServerMessage('{"type":"ready","clipboard":"block"}')).toEqual({ type: "ready", clipboard: false });
  expect(parseServerMessage('{"type":"refused","message":"the grant is used","code":"GRANT_REPLAYED"}')).toEqual({ type: "refused", message: "the grant is used", code: "GRANT_REPLAYED" });
  expect(parseServerMessage('{"type":"notice","message":"5 minutes left"}')).toEqual({ type: "notice", message: "5 minutes left" });
  expect(parseServerMessage('{"type":"ended","message":"Session ended."}')).toEqual({ type: "ended", message: "Session ended.", exitStatus: undefined });
  expect(parseServerMessage('{"type":"ended","exit_status":2}')).toEqual({ type: "ended", message: "", exitStatus: 2 });
});

it("passes over everything else", () => {
  for (const text of ["", "{", "[]", "null", "7", '{"type":"reload"}', '{"message":"x"}']) expect(parseServerMessage(text)).toBeUndefined();
});
