import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Dated } from "../../api/dated";
import type { AccessPolicy, PolicyVersionWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { TextField } from "../../ui/field";
import { Failed, Skeleton } from "../../ui/states";
import { Badge, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useNames } from "../groups/names";
import { useOrg, useRights } from "../shell/org";
import { TextDiff } from "./diff";
import { usePolicyChanges, versionsQuery } from "./queries";

type Version = Dated<PolicyVersionWire>;

const changeWords: Record<Version["change"], string> = { created: "made it", edited: "changed it", assigned: "changed where it counts", restored: "made it again what it was", deleted: "deleted it" };

/** What the policy was, who changed it, and what each change did. */
export function History({ policy: p }: { policy: AccessPolicy }) {
  const org = useOrg();
  const r = useRights();
  const list = useInfiniteQuery(versionsQuery(org.id, p.id));
  const rows = list.data?.pages.flatMap((x) => x.items);
  const name = useNames(rows?.flatMap((v) => v.safes).slice(0, 50) ?? []);
  const [restoring, setRestoring] = useState<Version>();
  if (list.error) return <Failed error={list.error} what="the history" retry={() => void list.refetch()} />;
  if (!rows) return <Skeleton width={280} />;
  return (
    <div className="form-page stack">
      <ol className="stack">
        {rows.map((v, i) => {
          const before = rows[i + 1];
          return (
            <li key={v.version} className="card pad stack">
              <div className="row between wrap">
                <span>
                  <strong>Version {v.version}</strong> {v.version === p.version && <Badge meaning="accent">Now</Badge>}
                </span>
                <span className="dim">
                  {v.changed_by_name || "Somebody"} {changeWords[v.change]}, <Time at={v.changed_at} />
                </span>
              </div>
              {v.comment && <p>“{v.comment}”</p>}
              {before && <Changed before={before} after={v} name={name} />}
              {before ? before.text !== v.text && <TextDiff before={before.text} after={v.text} /> : list.hasNextPage ? null : <TextDiff before="" after={v.text} />}
              {r.manage && v.version !== p.version && (
                <div>
                  <Button small onClick={() => setRestoring(v)}>
                    Restore version {v.version}
                  </Button>
                </div>
              )}
            </li>
          );
        })}
      </ol>
      {list.hasNextPage && (
        <div>
          <Button kind="ghost" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Show more
          </Button>
        </div>
      )}
      {restoring && <Restore policy={p} version={restoring} onClose={() => setRestoring(undefined)} />}
    </div>
  );
}

/** What changed besides the text. */
function Changed({ before: a, after: b, name }: { before: Version; after: Version; name: (id: string) => string }) {
  const where = (v: Version) => (v.everywhere ? "every safe" : v.safes.map(name).sort().join(", ") || "no safe");
  const rows = [
    ["Name", a.name, b.name],
    ["Description", a.description || "none", b.description || "none"],
    ["State", a.enabled ? "on" : "off", b.enabled ? "on" : "off"],
    ["Where", where(a), where(b)],
    ["Priority", String(a.priority), String(b.priority)],
  ].filter(([, was, is]) => was !== is);
  if (rows.length === 0) return null;
  return (
    <ul className="small">
      {rows.map(([what, was, is]) => (
        <li key={what}>
          {what}: <span className="dim">{was}</span> → {is}
        </li>
      ))}
    </ul>
  );
}

function Restore({ policy: p, version: v, onClose }: { policy: AccessPolicy; version: Version; onClose: () => void }) {
  const { restore } = usePolicyChanges(p.id);
  const toasts = useToasts();
  const [comment, setComment] = useState("");
  return (
    <Confirm
      title={`Restore version ${v.version}`}
      verb="Restore"
      kind="primary"
      busy={restore.isPending}
      error={restore.error}
      onClose={onClose}
      onConfirm={() =>
        restore.mutate(
          { version: v.version, ...(comment.trim() ? { comment: comment.trim() } : {}) },
          {
            onSuccess: () => {
              toasts.say(`${p.name} is again what it was at version ${v.version}.`);
              onClose();
            },
          },
        )
      }
    >
      <div className="stack">
        <TextDiff before={p.text} after={v.text} />
        <p>It holds at once, with the safes and the state of then. The version of today stays in the history.</p>
        <TextField label="Why" optional maxLength={2000} value={comment} onText={setComment} />
      </div>
    </Confirm>
  );
}
