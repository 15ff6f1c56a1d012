import { Copy, Download } from "lucide-react";
import { useState } from "react";
import { Button } from "../../ui/button";
import { Check } from "../../ui/field";
import { Note } from "../../ui/states";
import { writeClipboard } from "../../ui/text";
import { saveFile } from "../../ui/save-file";

/** Ten codes, shown once. One cannot go on without saying that they are kept. */
export function BackupCodes({ codes, verb, done }: { codes: readonly string[]; verb: string; done: () => void }) {
  const [kept, setKept] = useState(false);
  const [copied, setCopied] = useState(false);
  const text = codes.join("\n");
  return (
    <div className="stack">
      <Note meaning="warn">These codes are shown only now. Each signs you in once when your phone is not at hand.</Note>
      <ol className="codes" aria-label="Backup codes">
        {codes.map((c) => (
          <li key={c}>
            <code>{c}</code>
          </li>
        ))}
      </ol>
      <div className="row wrap">
        <Button icon={Copy} onClick={() => void writeClipboard(text).then(() => setCopied(true))}>
          {copied ? "Copied" : "Copy all"}
        </Button>
        <Button icon={Download} onClick={() => saveFile("vaultpam-backup-codes.txt", new Blob([`VaultPAM backup codes for ${window.location.host}\n\n${text}\n`], { type: "text/plain" }))}>
          Download
        </Button>
      </div>
      <Check label="I have kept the codes in a safe place" checked={kept} onCheck={setKept} />
      <Button kind="primary" full disabled={!kept} onClick={done}>
        {verb}
      </Button>
    </div>
  );
}
