import { createHash } from "node:crypto";
import { ago, ahead, byHandle, makeId, safes } from "./data.mjs";

function session(handle, safe, started, length, client, over = {}) {
  const p = byHandle(handle);
  const ended = length !== null;
  const id = makeId("ses");
  const recorded = safe.policy.recording;
  return {
    id,
    user: { id: p.id, name: p.name, email: p.email },
    safe: { id: safe.id, name: safe.name },
    resource: { id: safe.resource.id, name: safe.resource.name },
    account: { id: safe.account.id, name: safe.account.name, username: safe.account.username },
    protocol: "ssh",
    client,
    source_ip: client === "browser" ? "10.20.0.7" : "10.20.0.31",
    state: ended ? "ended" : "live",
    started_at: ago(started),
    requested_at: ago(started + 0.05),
    ...(ended ? { ended_at: ago(started - length) } : {}),
    expires_at: new Date(Date.now() - started * 60_000 + safe.policy.session_ttl_seconds * 1000).toISOString(),
    ...(ended ? { ended_by: "user" } : {}),
    duration_seconds: Math.round((ended ? length : started) * 60),
    recording: recorded ? { id: makeId("rec"), state: ended ? "completed" : "recording", size_bytes: 41_233, frames: 612, chunks: 14, duration_seconds: (length ?? 0) * 60, ...(ended ? { root_hash: createHash("sha256").update(id).digest("hex"), retention_until: ahead(60 * 24 * 30) } : {}) } : null,
    bytes_to_target: 2_341,
    bytes_from_target: 88_120,
    channels: 1,
    ...(ended ? { exit_status: 0 } : {}),
    ...over,
  };
}

const [web, web2, db, billing, runner] = safes;
export const sessions = [
  session("grace", web, 14, null, "openssh"),
  session("priya", db, 38, null, "browser", { bytes_from_target: 1_204_331 }),
  session("tomas", web, 171, null, "vaultpam", { bytes_from_target: 44_120_331 }),
  session("grace", web, 131, 24, "browser"),
  session("ada", runner, 300, 11, "openssh", { exit_status: 2 }),
  session("priya", db, 60 * 22, 60, "openssh", { ended_by: "system", end_reason: "ttl", exit_status: undefined }),
  session("tomas", web2, 60 * 26, 9, "openssh", { ended_by: "admin", end_reason: "admin_order", ended_by_name: "Jonas Weber", end_comment: "Wrong host, see the chat", exit_status: undefined }),
  session("grace", billing, 60 * 50, 33, "openssh", { ended_by: "system", end_reason: "upstream_closed", exit_status: undefined }),
  ...Array.from({ length: 70 }, (_, i) => session(["grace", "priya", "tomas", "ada"][i % 4], [web, web2, db][i % 3], 60 * 60 + i * 410, 4 + ((i * 7) % 50), ["openssh", "browser", "vaultpam"][i % 3])),
];
