import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Dated } from "../../api/dated";
import type { AccessPolicy, OtherwiseWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Segmented } from "../../ui/field";
import { plural } from "../../ui/format";
import { Failed, Note, Skeleton } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Time } from "../../ui/text";
import { useOrg } from "../shell/org";
import { DecisionState } from "./effect";
import { type Proposal, simulationQuery } from "./queries";

const spans = [
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
] as const;

/** What a policy does: the launches of the last days, decided without it. */
export function Simulate({ policy: p }: { policy: AccessPolicy }) {
  const [days, setDays] = useState<(typeof spans)[number]["value"]>("30");
  const [asked, setAsked] = useState<number>();
  return (
    <div className="stack">
      <p className="dim prose">Each launch of the last days is decided again: as things are today, and as they would be. Nothing is changed. To try another text or other safes, edit the policy: its review simulates what you wrote.</p>
      <div className="filters" role="group" aria-label="What to simulate">
        <Segmented label="How far back" value={days} options={spans} onPick={setDays} />
        <Button kind="primary" onClick={() => setAsked(Number(days))}>
          {p.enabled ? "Simulate without it" : "Simulate with it on"}
        </Button>
      </div>
      {asked && <SimulationOf key={asked} days={asked} policies={[p.enabled ? { id: p.id, delete: true } : { id: p.id, enabled: true }]} whole />}
    </div>
  );
}

/** How many of the past launches would have been decided otherwise, and which. */
export function SimulationOf({ days, whole, ...proposal }: { days: number; whole?: boolean } & Proposal) {
  const org = useOrg();
  const { data, error, refetch } = useQuery(simulationQuery(org.id, days, proposal));
  const columns: Column<Dated<OtherwiseWire>>[] = [
    {
      name: "Launch",
      cell: (x) => (
        <Link to="/o/$org/audit" params={{ org: org.slug }} search={{ event: x.event_id }}>
          <Time at={x.at} />
        </Link>
      ),
    },
    { name: "Person", cell: (x) => x.user.name },
    { name: "Safe", cell: (x) => x.safe.name },
    { name: "Today", from: "phone", cell: (x) => <DecisionState decision={x.now.decision} /> },
    { name: "Then", cell: (x) => <DecisionState decision={x.would.decision} /> },
  ];
  if (error) return <Failed error={error} what="the simulation" retry={() => void refetch()} />;
  if (!data) {
    return (
      <div className="stack" role="status" aria-label="Deciding past launches again">
        <Skeleton width="60%" />
      </div>
    );
  }
  const shown = whole ? data.examples : data.examples.slice(0, 5);
  return (
    <div className="stack">
      <Note meaning={data.changed > 0 ? "warn" : "plain"} live>
        {data.launches === 0
          ? `Nobody launched anything in the last ${plural(days, "day")}, so there is nothing to compare.`
          : data.changed === 0
            ? `None of the ${data.launches.toLocaleString()} launches of the last ${plural(days, "day")} would have been decided otherwise.`
            : `${data.changed.toLocaleString()} of the ${data.launches.toLocaleString()} launches of the last ${plural(days, "day")} would have been decided otherwise: ${Object.entries(data.by)
                .map(([change, n]) => `${n.toLocaleString()} from ${change.replaceAll("_", " ")}`)
                .join(", ")}.`}
        {!data.whole && " There were more; only the newest were taken."}
      </Note>
      {shown.length > 0 && <Table label="Launches that would be decided otherwise" columns={columns} rows={shown} id={(x) => x.event_id} />}
      {shown.length < data.changed && <p className="small dim">The newest {shown.length} are shown.</p>}
    </div>
  );
}
