import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { Button } from "../../ui/button";
import { Confirm, Panel } from "../../ui/dialog";
import { Failed, Skeleton } from "../../ui/states";
import { Facts, Id, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { accountsQuery } from "../accounts/queries";
import { SafeLinks, useSafesOf } from "../safes/leading";
import { useOrg, useRights } from "../shell/org";
import { ResourceForm } from "./form";
import { HostKeys } from "./host-key";
import { resourceQuery, useResourceChanges } from "./queries";

export function ResourcePanel({ id, onClose }: { id: string; onClose: () => void }) {
  const org = useOrg();
  const r = useRights();
  const { data: resource, error, refetch } = useQuery(resourceQuery(org.id, id));
  const leading = useSafesOf({ resource: id });
  const accounts = useQuery(accountsQuery(org.id));
  const { remove } = useResourceChanges(id);
  const [dialog, setDialog] = useState<"edit" | "delete">();
  const toasts = useToasts();
  const on = accounts.data?.items.filter((a) => a.resource_id === id) ?? [];
  const params = { org: org.slug };

  return (
    <Panel
      title={resource?.name ?? "Resource"}
      subtitle={
        resource && (
          <code>
            {resource.host}:{resource.port}
          </code>
        )
      }
      onClose={onClose}
      footer={
        r.manage &&
        resource && (
          <>
            <Button icon={Pencil} onClick={() => setDialog("edit")}>
              Edit
            </Button>
            <Button kind="danger" icon={Trash2} onClick={() => setDialog("delete")}>
              Delete
            </Button>
          </>
        )
      }
    >
      {error ? (
        <Failed error={error} what="this resource" retry={() => void refetch()} />
      ) : !resource ? (
        <Skeleton width="60%" />
      ) : (
        <>
          <HostKeys resource={resource} />
          <section>
            <h3>Facts</h3>
            <Facts
              rows={[
                ["Description", resource.description || <span className="faint">none</span>],
                ["Protocol", resource.protocol.toUpperCase()],
                ["Added", <Time key="t" at={resource.created_at} />],
                ["Id", <Id key="i" value={resource.id} what="resource id" />],
              ]}
            />
          </section>
          <section>
            <h3>Accounts on it</h3>
            {on.length === 0 ? (
              <p className="dim">
                None yet.{" "}
                {r.manage && (
                  <Link to="/o/$org/accounts" params={params} search={{ new: "1", resource: id }}>
                    Add an account
                  </Link>
                )}
              </p>
            ) : (
              <ul className="link-list">
                {on.map((a) => (
                  <li key={a.id}>
                    <Link to="/o/$org/accounts" params={params} search={{ open: a.id }}>
                      {a.name}
                    </Link>{" "}
                    <code className="dim">{a.username}</code>
                  </li>
                ))}
              </ul>
            )}
          </section>
          <section>
            <h3>Safes that lead here</h3>
            <SafeLinks of={leading} none="None, so nobody can reach it." />
          </section>
        </>
      )}
      {dialog === "edit" && resource && <ResourceForm resource={resource} onClose={() => setDialog(undefined)} onDone={() => setDialog(undefined)} />}
      {dialog === "delete" && resource && (
        <Confirm
          title={`Delete ${resource.name}`}
          verb="Delete resource"
          typeName={resource.name}
          busy={remove.isPending}
          error={remove.error}
          onClose={() => setDialog(undefined)}
          onConfirm={() =>
            remove.mutate(undefined, {
              onSuccess: () => {
                toasts.say(`${resource.name} is deleted.`);
                onClose();
              },
            })
          }
        >
          {leading.rows?.length !== 0 || on.length > 0
            ? "Safes and accounts still use it. The server refuses until they are gone."
            : "Nothing uses it. Its past sessions, recordings and events stay."}
        </Confirm>
      )}
    </Panel>
  );
}
