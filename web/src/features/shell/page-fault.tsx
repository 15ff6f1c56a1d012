import type { ReactNode } from "react";
import { CircleHelp } from "lucide-react";
import { LinkButton } from "../../ui/button";
import { Empty, Failed } from "../../ui/states";

export function PageFault({ error, reset }: { error: unknown; reset: () => void }) {
  return (
    <PlainMain>
      <Failed page error={error} what="this page" retry={reset} />
    </PlainMain>
  );
}

export function MissingPage() {
  return (
    <PlainMain>
    <Empty page icon={CircleHelp} title="There is no such page" action={<LinkButton to="/">Go to the first page</LinkButton>}>
      The address may be mistyped, or the page has moved.
    </Empty>
    </PlainMain>
  );
}

/** These stand where the shell is not: the page's own main landmark. */
function PlainMain({ children }: { children: ReactNode }) {
  return <main className="auth">{children}</main>;
}
