import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { PageHead } from "../../ui/page";
import { membershipsQuery } from "../auth/queries";
import { lastOrg, useMe } from "../shell/org";
import { Access } from "./access";
import { NoticePreferences } from "./notices";
import { Security } from "./security";
import { SshKeys } from "./ssh-keys";
import { Tokens } from "./tokens";

const tabs = [
  { id: "security", label: "Sign-in" },
  { id: "ssh-keys", label: "SSH keys" },
  { id: "tokens", label: "API tokens" },
  { id: "access", label: "My access" },
  { id: "notices", label: "Notices" },
] as const;

export default function ProfilePage() {
  const me = useMe();
  const search = useSearch({ from: "/in/shell/profile" });
  const { data } = useQuery(membershipsQuery);
  const org = data?.memberships.find((m) => m.slug === lastOrg()) ?? data?.memberships[0];
  const tab = tabs.find((t) => t.id === search.tab)?.id ?? "security";
  return (
    <>
      <PageHead
        title={me.user.name}
        lead={
          <>
            {me.user.email}, handle <code>{me.user.handle}</code>
          </>
        }
      />
      <nav className="tabs" aria-label="Parts of your profile">
        {tabs.map((t) => (
          <Link key={t.id} to="/profile" search={t.id === "security" ? {} : { tab: t.id }} aria-current={tab === t.id ? "page" : undefined} activeOptions={{ exact: true, includeSearch: true }}>
            {t.label}
          </Link>
        ))}
      </nav>
      <div className="tab-body">
        {tab === "security" && <Security />}
        {tab === "ssh-keys" && <SshKeys />}
        {tab === "tokens" && <Tokens org={org} />}
        {tab === "access" && <Access />}
        {tab === "notices" && <NoticePreferences />}
      </div>
    </>
  );
}
