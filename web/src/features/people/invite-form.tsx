import { useMutation, useQueries, useQueryClient } from "@tanstack/react-query";
import { Upload } from "lucide-react";
import { useRef, useState } from "react";
import { post } from "../../api/client";
import type { Dated } from "../../api/dated";
import { asProblem } from "../../api/problem";
import type { InvitationResultWire, OrgRole } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { Check, RadioList, TextArea } from "../../ui/field";
import { plural } from "../../ui/format";
import type { Pick } from "../../ui/picker";
import { useSettled } from "../../ui/settled";
import { FormProblem, Note, Waits } from "../../ui/states";
import { useToasts } from "../../ui/toast";
import { useStepUp } from "../auth/step-up";
import { SafePicker } from "../safes/picker";
import { namedSafeQuery } from "../safes/queries";
import { useOrg, useRights } from "../shell/org";
import { roleWords } from "../shell/rights";
import { type BulkInvitation, namesOf, parseBulk, toInvitations } from "./bulk";

const most = 1000;
const mostNames = 200; // of safes, in one list
const atOnce = 200; // the API's own limit

/** Somebody else has to agree to it first. */
const waits = (x: Dated<InvitationResultWire>) => x.problem?.code === "WAITS_FOR_APPROVAL";

/** One or many addresses, with a role and safes for all of them or for each. */
export function InviteForm({ onClose }: { onClose: (sent: boolean) => void }) {
  const org = useOrg();
  const r = useRights();
  const client = useQueryClient();
  const stepUp = useStepUp();
  const toasts = useToasts();
  const file = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const [role, setRole] = useState<OrgRole>("operator");
  const [chosen, setChosen] = useState<readonly Pick[]>([]);
  const [mfa, setMfa] = useState(false);
  const [sent, setSent] = useState(0);
  const [later, setLater] = useState<Dated<InvitationResultWire>[]>([]);
  const lines = parseBulk(text);
  const named = namesOf(lines);
  const settled = useSettled(named.join("\n"), 400);
  const asked = useQueries({ queries: settled.split("\n").filter(Boolean).slice(0, mostNames).map((name) => namedSafeQuery(org.id, name)) });
  const looking = settled !== named.join("\n") || asked.some((a) => a.isLoading);
  const unasked = asked.find((a) => a.error)?.error;
  const { ready, problems } = toInvitations(lines, { role, safes: chosen.map((c) => c.value), mfa }, asked.flatMap((a) => a.data?.items ?? []), r.makeOwner);
  const own = lines.filter((l) => l.role || l.safes).length;
  const send = useMutation({
    mutationFn: async (all: BulkInvitation[]) => {
      const results: Dated<InvitationResultWire>[] = [];
      for (let i = 0; i < all.length; i += atOnce) {
        const part = await stepUp(() => post<{ results: InvitationResultWire[] }>("/org/invitations/bulk", { org: org.id, body: { invitations: all.slice(i, i + atOnce) } }));
        results.push(...part.results);
      }
      return results;
    },
    onSettled: () => client.invalidateQueries({ queryKey: [org.id, "invitations"] }),
    onSuccess: (results) => {
      const later = results.filter(waits);
      const bad = results.filter((x) => x.problem && !waits(x));
      const good = results.length - bad.length - later.length;
      setSent(sent + good);
      setLater((before) => [...before, ...later]);
      if (bad.length > 0) return setText(bad.map((x) => x.email).join("\n")); // what is left to mend
      if (later.length > 0) return setText(""); // stays open, to say so
      toasts.say(`${plural(sent + good, "invitation")} sent.`);
      onClose(true);
    },
  });
  const refused = send.data?.filter((x) => x.problem && !waits(x) && lines.some((l) => l.email.toLowerCase() === x.email.toLowerCase())) ?? [];
  const options = (Object.keys(roleWords) as OrgRole[]).filter((v) => r.makeOwner || v !== "owner").map((value) => ({ value, ...roleWords[value] }));
  const fits = !looking && named.length <= mostNames && ready.length > 0 && problems.length === 0 && ready.length <= most;
  return (
    <Dialog
      title="Invite people"
      wide
      sticky
      onClose={() => onClose(sent > 0)}
      onSubmit={() => fits && !send.isPending && send.mutate(ready)}
      footer={
        <>
          <Button onClick={() => onClose(sent > 0)}>{later.length > 0 && text === "" ? "Close" : "Cancel"}</Button>
          <Button type="submit" kind="primary" disabled={!fits} busy={send.isPending}>
            {ready.length > 1 ? `Send ${ready.length} invitations` : "Send invitation"}
          </Button>
        </>
      }
    >
      <TextArea
        label="Email addresses"
        hint="One a line, or separated by commas. A list may carry two more columns, role and safes (names with ; between): they count before what you choose below."
        rows={4}
        value={text}
        error={send.error ? asProblem(send.error).field("invitations") : undefined}
        onText={setText}
      />
      <div>
        <input
          ref={file}
          type="file"
          hidden
          accept=".csv,.tsv,.txt,text/csv,text/plain"
          aria-label="A list from a file"
          onChange={(e) => {
            const picked = e.target.files?.[0];
            e.target.value = "";
            if (!picked) return;
            if (picked.size > 512 * 1024) return toasts.say("That file is larger than 512 KiB. A list of people is smaller: take out other columns.");
            void picked.text().then((t) => setText((before) => (before.trim() === "" ? t : `${before.trimEnd()}\n${t}`)), toasts.fail);
          }}
        />
        <Button small icon={Upload} onClick={() => file.current?.click()}>
          Take a CSV file
        </Button>
      </div>
      {named.length > mostNames && <Note meaning="warn">At most {mostNames} different safes in one list. Send it in parts.</Note>}
      <FormProblem error={unasked} />
      {!looking && !unasked && problems.length > 0 && (
        <Note meaning="warn" live>
          {plural(problems.length, "line needs", "lines need")} mending before anything is sent.
          <ul>
            {problems.slice(0, 8).map((p) => (
              <li key={`${p.line}-${p.email}`}>
                Line {p.line}: {p.problem}
              </li>
            ))}
            {problems.length > 8 && <li>and {problems.length - 8} more</li>}
          </ul>
        </Note>
      )}
      {ready.length > most && <Note meaning="warn">At most {most} at once. Send the list in parts.</Note>}
      {later.length > 0 && (
        <Waits ids={later.map((x) => /gov_\w+/.exec(x.problem?.detail ?? "")?.[0] ?? "").filter(Boolean)}>
          {later.map((x) => x.email).join(", ")}: {later.length > 1 ? "these invitations wait" : "this invitation waits"} for a second administrator, and {later.length > 1 ? "are" : "is"} sent once one approves.
        </Waits>
      )}
      {refused.length > 0 && (
        <Note meaning="bad" live>
          {plural(refused.length, "invitation was", "invitations were")} not sent. {sent > 0 ? `${plural(sent, "other was", "others were")}.` : ""}
          <ul>
            {refused.slice(0, 20).map((x) => (
              <li key={x.email}>
                {x.email}: {x.problem?.detail}
              </li>
            ))}
          </ul>
        </Note>
      )}
      <RadioList legend={own > 0 ? "Role of those whose line names none" : "Role"} value={role} options={options} onPick={setRole} />
      <SafePicker label="Safes that they may open" optional many picked={chosen} onPicked={setChosen} />
      <Check label="Demand a proved second factor" means="Who has an account already must prove a second factor of their own to accept. Somebody new always sets one up." checked={mfa} onCheck={setMfa} />
      <FormProblem error={send.error} fields={["invitations"]} />
    </Dialog>
  );
}
