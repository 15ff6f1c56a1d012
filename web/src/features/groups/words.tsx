import type { GroupWire } from "../../api/types";
import { Badge } from "../../ui/text";

type Source = GroupWire["source"];

export const sourceWords: Record<Source, { label: string; by: string }> = {
  local: { label: "Local", by: "You say here who is in it." },
  sso: { label: "Single sign-on", by: "Managed by your identity provider: each sign-in through it says who is in this group. Change it there." },
  scim: { label: "Directory", by: "Managed by your directory, which pushes the group and its members over SCIM. Change it there." },
};

export function SourceBadge({ source }: { source: Source }) {
  return (
    <Badge meaning={source === "local" ? undefined : "info"} title={sourceWords[source].by}>
      {sourceWords[source].label}
    </Badge>
  );
}
