import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Session } from "../../api/types";
import { bytes, plural } from "../../ui/format";
import { Note } from "../../ui/states";
import { Facts, Id } from "../../ui/text";
import { sessionEventsQuery } from "../audit/queries";
import { useOrg, useRights } from "../shell/org";
import { phaseOf } from "./words";

/** Whether the stored recording is the one that the ledger knows. */
export function Integrity({ session }: { session: Session }) {
  const org = useOrg();
  const r = useRights();
  const recording = session.recording;
  const closed = phaseOf(session) === "closed";
  const events = useQuery({ ...sessionEventsQuery(org.id, session.id, "closed"), enabled: closed && r.oversee });
  const finalized = events.data?.items.find((e) => e.constant === "SESSION_RECORDING_FINALIZED");
  if (!recording) return null;

  const told = finalized?.metadata["root_hash"];
  const matches = typeof told === "string" && told === recording.root_hash && finalized?.outcome === "success";

  return (
    <section className="card">
      <header>
        <h2>Integrity</h2>
      </header>
      <div className="body stack">
        {!closed ? (
          <p className="dim">The recording is sealed piece by piece while the session runs. Its root hash goes into the ledger when it ends.</p>
        ) : (
          <>
            {events.isSuccess && (
              <Note meaning={matches ? "good" : finalized ? "bad" : "warn"}>
                {matches
                  ? "The recording matches the ledger."
                  : finalized
                    ? "The recording does not match the ledger. Treat it as altered, and tell whoever handles incidents."
                    : "The ledger has no entry about this recording yet."}
              </Note>
            )}
            {recording.truncated && <Note meaning="warn">Its end is missing: {recording.truncated.replaceAll("_", " ")}.</Note>}
            <Facts
              rows={[
                recording.root_hash && ["Root hash", <Id key="h" value={recording.root_hash} what="root hash" />],
                ["Size", `${bytes(recording.size_bytes)} in ${plural(recording.chunks, "sealed chunk")}`],
                recording.retention_until && ["Kept until", recording.retention_until.toLocaleDateString()],
                finalized && [
                  "In the ledger",
                  <Link key="e" to="/o/$org/audit" params={{ org: org.slug }} search={{ session: session.id, event: finalized.id }}>
                    entry {finalized.seq}
                  </Link>,
                ],
              ]}
            />
            {finalized && <p className="dim small">The entry can be proved. It holds the same root hash, which commits to every sealed chunk of the recording.</p>}
          </>
        )}
      </div>
    </section>
  );
}
