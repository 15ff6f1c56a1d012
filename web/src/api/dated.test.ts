import { expect, it } from "vitest";
import { revive } from "./dated";

it("turns time fields into Dates, by name, at any depth", () => {
  const v = revive<{ time: string; items: { created_at: string; ended_at: string | null; valid_until: string; name: string }[] }>({
    time: "2025-03-04T08:12:51.123456Z",
    items: [{ created_at: "2025-03-04T08:12:51Z", ended_at: null, valid_until: "2025-03-04T10:12:51+02:00", name: "2025-03-04T08:12:51Z" }],
  });
  expect(v.time).toEqual(new Date("2025-03-04T08:12:51.123Z"));
  expect(v.items[0]?.created_at).toEqual(new Date("2025-03-04T08:12:51Z"));
  expect(v.items[0]?.ended_at).toBeNull();
  expect(v.items[0]?.valid_until).toEqual(new Date("2025-03-04T08:12:51Z"));
  expect(v.items[0]?.name).toBe("2025-03-04T08:12:51Z");
});

it("leaves what is no time, and an event's metadata, as it is", () => {
  const v = revive<{ expires_at: string; metadata: Record<string, unknown> }>({ expires_at: "soon", metadata: { expires_at: "2025-03-04T08:12:51Z" } });
  expect(v.expires_at).toBe("soon");
  expect(v.metadata["expires_at"]).toBe("2025-03-04T08:12:51Z");
  expect(revive(undefined)).toBeUndefined();
  expect(revive("x")).toBe("x");
});
