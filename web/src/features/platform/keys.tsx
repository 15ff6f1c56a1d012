import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { get, getAll, post } from "../../api/client";
import type { Dated } from "../../api/dated";
import type { LedgerStateWire, RootKeyWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Confirm } from "../../ui/dialog";
import { plural } from "../../ui/format";
import { PageHead } from "../../ui/page";
import { Failed, Note, Skeleton } from "../../ui/states";
import { type Column, Table } from "../../ui/table";
import { Facts, Id, State, Time } from "../../ui/text";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { useMe } from "../shell/org";

type Ledger = Dated<LedgerStateWire>;

const rootQuery = queryOptions({ queryKey: ["platform", "keys", "root"], queryFn: ({ signal }) => get<RootKeyWire>("/platform/keys/root", { signal }) });
const ledgersQuery = queryOptions({ queryKey: ["platform", "ledgers"], queryFn: ({ signal }) => getAll<LedgerStateWire>("/platform/ledgers", { signal }), refetchInterval: 30_000 });

interface Act {
  title: string;
  verb: string;
  path: string;
  means: string;
  said: string;
}

/** The keys of the installation, and how its ledgers are. */
export default function KeysPage() {
  const mayChange = useMe().platform_role === "platform_admin";
  const root = useQuery(rootQuery);
  const ledgers = useQuery(ledgersQuery);
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [asked, setAsked] = useState<Act>();
  const run = useMutation({
    mutationFn: (a: Act) => stepUp(() => post<unknown>(a.path, { body: {} })),
    onSuccess: async (_, a) => {
      setAsked(undefined);
      toasts.say(a.said);
      await client.invalidateQueries({ queryKey: ["platform"] });
    },
  });
  const nameOf = (l: Ledger) => l.org_name || "The platform";
  const columns: Column<Ledger>[] = [
    { name: "Ledger", cell: (l) => <strong>{nameOf(l)}</strong> },
    { name: "State", cell: (l) => (l.stopped ? <State meaning="bad">Stopped</State> : l.waiting > 0 ? <State meaning="info">{plural(l.waiting, "event")} waiting</State> : <State meaning="good">Up to date</State>) },
    { name: "Events", right: true, from: "phone", cell: (l) => l.size.toLocaleString() },
    { name: "Signed", from: "tablet", cell: (l) => (l.signed_at ? <Time at={l.signed_at} /> : <span className="faint">not yet</span>) },
    { name: "Id", from: "desk", cell: (l) => <Id value={l.log_id} what="ledger id" /> },
  ];
  if (mayChange) {
    columns.push({
      name: "Actions",
      right: true,
      quiet: true,
      cell: (l) => (
        <span className="row end">
          {l.stopped && (
            <Button
              small
              kind="danger"
              aria-label={`Resume the ledger of ${nameOf(l)}`}
              onClick={() =>
                setAsked({
                  title: `Resume the ledger of ${nameOf(l)}`,
                  verb: "Resume",
                  path: `/platform/ledgers/${l.log_id}/resume`,
                  means: `It stopped because ${l.stop_reason || "its tree is not the one that was signed"}. Resume it only after somebody has looked at what is wrong. The tree is checked at once; if it is still wrong, the ledger stops again.`,
                  said: `The ledger of ${nameOf(l)} goes on.`,
                })
              }
            >
              Resume
            </Button>
          )}
          <Button
            small
            aria-label={`New key for the ledger of ${nameOf(l)}`}
            onClick={() =>
              setAsked({
                title: `A new signing key for ${nameOf(l)}`,
                verb: "Make a new key",
                path: `/platform/ledgers/${l.log_id}/key/rotate`,
                means: "The replaced key signs beside the new one for 30 days, and its public half stays published. Whoever verifies with a kept key takes up the new one.",
                said: `The ledger of ${nameOf(l)} has a new signing key.`,
              })
            }
          >
            New key
          </Button>
        </span>
      ),
    });
  }
  return (
    <>
      <PageHead title="Keys" lead="What seals secrets and signs ledgers. Each act asks for a fresh second factor and is in the platform's ledger." />
      <div className="stack wide">
        <section className="card form-page">
          <header>
            <h2>Sealing</h2>
            {mayChange && (
              <span className="row">
                <Button
                  small
                  onClick={() =>
                    setAsked({
                      title: "A new encryption key for the platform",
                      verb: "Make a new key",
                      path: "/platform/keys/data/rotate",
                      means: "It seals from now on what belongs to no organization, such as second factors. What was sealed before still opens.",
                      said: "The platform has a new encryption key.",
                    })
                  }
                >
                  New platform key
                </Button>
                <Button
                  small
                  onClick={() =>
                    setAsked({
                      title: "Replace the root key",
                      verb: "Replace it",
                      path: "/platform/keys/root/rotate",
                      means: "Everything stays readable meanwhile; an interrupted rotation is taken up where it was left. Back up the new key file afterwards. Where servers have a key file each, use vaultpam platform keys in steps instead.",
                      said: "The root key is replaced. Back up its file now.",
                    })
                  }
                >
                  Replace root key
                </Button>
              </span>
            )}
          </header>
          <div className="body stack">
            {root.error ? (
              <Failed error={root.error} what="the root key" retry={() => void root.refetch()} />
            ) : root.data ? (
              <>
                {root.data.older_root_key_ids.length > 0 && <Note meaning="warn">A rotation was begun and is not finished: {plural(root.data.keysets_waiting, "key")} still under an older root key. Replace it again to finish.</Note>}
                <Facts
                  rows={[
                    ["Root key", <Id key="r" value={root.data.root_key_id} what="root key id" />],
                    ["Under it", `${plural(root.data.keysets - root.data.keysets_waiting, "key")} of organizations and of the platform`],
                  ]}
                />
              </>
            ) : (
              <Skeleton width={260} />
            )}
          </div>
        </section>
        <section className="stack">
          <h2>Ledgers</h2>
          {ledgers.error ? <Failed error={ledgers.error} what="the ledgers" retry={() => void ledgers.refetch()} /> : <Table label="Ledgers" columns={columns} rows={ledgers.data?.items} id={(l) => l.log_id} />}
        </section>
      </div>
      {asked && (
        <Confirm
          title={asked.title}
          verb={asked.verb}
          busy={run.isPending}
          error={run.error}
          onClose={() => {
            setAsked(undefined);
            run.reset();
          }}
          onConfirm={() => run.mutate(asked)}
        >
          {asked.means}
        </Confirm>
      )}
    </>
  );
}
