import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Session } from "../../api/types";
import { bytes } from "../../ui/format";
import { Note, Skeleton } from "../../ui/states";
import { Facts, Id, Time } from "../../ui/text";
import { finalizedEventQuery } from "../audit/queries";
import { useOrg, useRights } from "../shell/org";
import { recordingInfoQuery } from "./queries";

/** Whether the stored recording is the one that the ledger knows, and how to check that oneself. */
export function Integrity({ session }: { session: Session }) {
  const org = useOrg();
  const r = useRights();
  const closed = session.recording?.state !== "recording" && session.state === "ended";
  const info = useQuery({ ...recordingInfoQuery(org.id, session.id), enabled: closed });
  const finalized = useQuery({ ...finalizedEventQuery(org.id, session.id), enabled: closed && r.oversee });

  const inLedger = finalized.data?.metadata["root_hash"];
  const stored = info.data?.root_hash ?? session.recording?.root_hash ?? null;
  const matches = typeof inLedger === "string" && stored !== null && inLedger === stored;

  return (
    <section className="card">
      <header>
        <h2>Integrity</h2>
      </header>
      <div className="body stack">
        {!closed ? (
          <p className="dim">The recording is sealed piece by piece while the session runs. Its root hash goes into the ledger when it ends.</p>
        ) : info.isPending ? (
          <Skeleton width="80%" />
        ) : (
          <>
            {r.oversee && finalized.isSuccess && (
              <Note meaning={matches ? "good" : "bad"}>
                {matches ? "The recording matches the ledger." : finalized.data ? "The recording does not match the ledger. Treat it as altered and tell whoever handles incidents." : "The ledger has no record of this recording yet."}
              </Note>
            )}
            {info.data && !info.data.verified && <Note meaning="warn">The stored file was not verified after it was written.</Note>}
            <Facts
              rows={[
                stored !== null && ["Root hash", <Id key="h" value={stored} what="root hash" />],
                info.data && ["Size", `${bytes(info.data.size_bytes)} in ${info.data.chunks} sealed chunks`],
                info.data?.verified_at && ["Verified", <Time key="v" at={info.data.verified_at} />],
                info.data && info.data.gaps > 0 && ["Gaps", `${info.data.gaps}, each declared in the recording`],
                finalized.data && [
                  "In the ledger",
                  <Link key="e" to="/o/$org/audit" params={{ org: org.slug }} search={{ session: session.id, event: finalized.data.id }}>
                    entry {finalized.data.seq}
                  </Link>,
                ],
              ]}
            />
          </>
        )}
      </div>
    </section>
  );
}
