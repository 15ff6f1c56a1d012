import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { getAll, put } from "../../api/client";
import { asProblem } from "../../api/problem";
import type { NoticeIntroductionWire } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { TextArea } from "../../ui/field";
import { Failed, FormProblem, PageSkeleton } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { useOrg, useRights } from "../shell/org";
import { settingsQuery } from "./queries";

const base = "/org/notifications/introductions";

function introductionsQuery(org: string) {
  return queryOptions({ queryKey: [org, "introductions"], queryFn: ({ signal }) => getAll<NoticeIntroductionWire>(base, { org, signal }) });
}

type Words = Pick<NoticeIntroductionWire, "kind" | "title" | "words">;

/** What the organization says of its own before each kind of notice. */
export function Introductions() {
  const org = useOrg();
  const r = useRights();
  const [edited, edit] = useState<Words>();
  const { data, error, refetch } = useQuery(introductionsQuery(org.id));
  if (error) return <Failed error={error} what="the introductions" retry={() => void refetch()} />;
  if (!data) return <PageSkeleton label="the introductions" />;
  return (
    <div className="form-page stack">
      <p className="dim prose">Words of your own come first in every notice of their kind, in the console, by e-mail and in channels.</p>
      <section className="card" aria-label="Introductions">
        <ul className="item-list">
          {data.items.map((i) => (
            <li key={i.kind} className="top">
              <div className="grow stack tight">
                <div>{i.title}</div>
                <div className="small dim breaks">{i.words || "Nothing of your own"}</div>
              </div>
              {r.manage && (
                <Button small aria-label={`Edit what comes before: ${i.title}`} onClick={() => edit(i)}>
                  Edit
                </Button>
              )}
            </li>
          ))}
        </ul>
      </section>
      {edited && <Form key={edited.kind} of={edited} onClose={() => edit(undefined)} />}
    </div>
  );
}

function Form({ of, onClose }: { of: Words; onClose: () => void }) {
  const { id: org } = useOrg();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const [words, setWords] = useState(of.words);
  const save = useMutation({
    mutationFn: () => stepUp(() => put<NoticeIntroductionWire>(`${base}/${of.kind}`, { org, body: { words: words.trim() } })),
    onSuccess: () => {
      toasts.say("Saved.");
      onClose();
      return Promise.all([[org, "introductions"], settingsQuery(org).queryKey, [org, "settings-history"]].map((queryKey) => client.invalidateQueries({ queryKey })));
    },
  });
  return (
    <Dialog
      title={of.title}
      onClose={onClose}
      onSubmit={() => !save.isPending && save.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={save.isPending}>
            Save
          </Button>
        </>
      }
    >
      <TextArea
        label="Words"
        optional
        rows={4}
        maxLength={1000}
        hint={
          <>
            Plain text. <code>{"{organization}"}</code> and <code>{"{support}"}</code> become what the settings say.
          </>
        }
        value={words}
        error={save.error ? asProblem(save.error).field("words") : undefined}
        onText={setWords}
      />
      <FormProblem error={save.error} fields={["words"]} />
    </Dialog>
  );
}
