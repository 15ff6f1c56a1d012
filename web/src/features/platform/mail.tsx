import { useNavigate, useSearch } from "@tanstack/react-router";
import { PageHead } from "../../ui/page";
import { MailList } from "../settings/mail";
import { useMe } from "../shell/org";

/** The platform's own messages: to operators, applicants and people who recover. */
export default function PlatformMailPage() {
  const mayManage = useMe().platform_role === "platform_admin";
  const search = useSearch({ from: "/in/shell/platform/mail" });
  const navigate = useNavigate({ from: "/platform/mail" });
  return (
    <>
      <PageHead title="Mail" lead="What the platform sent to whom, and how its delivery went. Organizations see their own." />
      <MailList of={{}} mayManage={mayManage} open={search.open} onOpen={(open) => void navigate({ search: { open }, replace: true })} />
    </>
  );
}
