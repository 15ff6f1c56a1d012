import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { Button } from "../../ui/button";
import { PageHead } from "../../ui/page";
import { Failed } from "../../ui/states";
import { useOrg } from "../shell/org";
import { AskDialog } from "./ask";
import { requestsQuery } from "./queries";
import { RequestTable } from "./table";

export default function MyRequestsPage() {
  const org = useOrg();
  const search = useSearch({ from: "/in/shell/o/$org/my-requests" });
  const navigate = useNavigate({ from: "/o/$org/my-requests" });
  const list = useInfiniteQuery(requestsQuery(org.id, { mine: true }));
  return (
    <>
      <PageHead
        title="My requests"
        lead="What you asked to open, what became of it, and until when it lasts."
        action={
          <Button kind="primary" icon={Plus} onClick={() => void navigate({ search: { new: "1" }, replace: true })}>
            Ask for access
          </Button>
        }
      />
      {list.error ? <Failed error={list.error} what="your requests" retry={() => void list.refetch()} /> : <RequestTable label="My requests" list={list} mine none="Safes that want an approval say so, and you ask there or here." />}
      {search.new === "1" && <AskDialog onClose={() => void navigate({ search: {}, replace: true })} />}
    </>
  );
}
