import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { OpenedCheckout } from "../../api/types";
import { Button } from "../../ui/button";
import { Dialog } from "../../ui/dialog";
import { SecretField, TextArea } from "../../ui/field";
import { clock } from "../../ui/format";
import { saveFile } from "../../ui/save-file";
import { Note } from "../../ui/states";
import { CopyButton, Facts, Id } from "../../ui/text";
import { useOrg } from "../shell/org";
import { checkoutQuery } from "./queries";
import { stateOf } from "./words";

/**
 * The one place that shows a credential. Who renders it holds the credential, and drops
 * it with onGone: as the dialog closes, the checkout ends, or the page is left (a page
 * that the browser keeps for Back must not hold it).
 */
export function ShownDialog({ opened: o, onCheckIn, onGone }: { opened: OpenedCheckout; onCheckIn: () => void; onGone: (why?: string) => void }) {
  const org = useOrg();
  const [now, setNow] = useState(Date.now);
  const { data } = useQuery(checkoutQuery(org.id, o.checkout.id));
  const c = data ?? o.checkout;
  const left = Math.ceil((c.expires_at.getTime() - now) / 1000);
  const why = c.ended_at ? stateOf(c) : left <= 0 ? "Its time was over" : undefined;
  const gone = useRef(onGone);
  gone.current = onGone;
  useEffect(() => {
    const tick = setInterval(() => setNow(Date.now()), 1000);
    const leave = () => gone.current();
    window.addEventListener("pagehide", leave);
    return () => {
      clearInterval(tick);
      window.removeEventListener("pagehide", leave);
    };
  }, []);
  useEffect(() => {
    if (why) gone.current(why);
  }, [why]);
  if (why) return null;
  return (
    <Dialog
      title={`Credential of ${c.safe.name}`}
      sticky
      onClose={() => onGone()}
      footer={
        <>
          <Button onClick={onCheckIn}>Check in</Button>
          <Button kind="primary" onClick={() => onGone()}>
            Hide it
          </Button>
        </>
      }
    >
      <Facts
        rows={[
          ["User", <Id key="u" value={o.credential.username} what="user name" whole />],
          [
            "Time left",
            <span key="l" className="num" role="timer" aria-live="off">
              {clock(left)}
            </span>,
          ],
        ]}
      />
      {o.credential.kind === "ssh_key" ? <Key text={o.credential.private_key ?? ""} name={c.account.name} /> : <Password text={o.credential.password ?? ""} />}
      <Note meaning="plain">Nothing here is kept: once hidden it is shown again only with a fresh second factor, and each look is in the audit log. Check it in when you are done; then it is due to be replaced.</Note>
    </Dialog>
  );
}

function Password({ text }: { text: string }) {
  return (
    <div className="row end-line">
      <div className="grow">
        <SecretField label="Password" readOnly autoComplete="new-password" value={text} onText={() => undefined} />
      </div>
      <CopyButton text={text} what="password" />
    </div>
  );
}

function Key({ text, name }: { text: string; name: string }) {
  const [seen, setSeen] = useState(false);
  return (
    <>
      {seen && <TextArea label="Private key" mono rows={8} readOnly autoComplete="off" value={text} onText={() => undefined} />}
      <div className="row wrap">
        {!seen && <Button onClick={() => setSeen(true)}>Show the private key</Button>}
        <Button icon={Download} onClick={() => saveFile(`${name}.key`, new Blob([text], { type: "application/octet-stream" }))}>
          Save as a file
        </Button>
        <CopyButton text={text} what="private key" />
      </div>
    </>
  );
}
