import { CircleHelp } from "lucide-react";
import { LinkButton } from "../../ui/button";
import { Empty, Failed } from "../../ui/states";

export function PageFault({ error, reset }: { error: unknown; reset: () => void }) {
  return <Failed error={error} what="this page" retry={reset} />;
}

export function MissingPage() {
  return (
    <Empty icon={CircleHelp} title="There is no such page" action={<LinkButton to="/">Go to the first page</LinkButton>}>
      The address may be mistyped, or the page has moved.
    </Empty>
  );
}
