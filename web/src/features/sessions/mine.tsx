import { useInfiniteQuery } from "@tanstack/react-query";
import { PageHead } from "../../ui/page";
import { Failed } from "../../ui/states";
import { useMe, useOrg } from "../shell/org";
import { mySessionsQuery } from "./queries";
import { SessionTable } from "./table";

export default function MySessions() {
  const org = useOrg();
  const me = useMe();
  const list = useInfiniteQuery(mySessionsQuery(org.id, me.user.id));
  return (
    <>
      <PageHead title="My sessions" lead="What you opened, from the browser or by ssh." />
      {list.error ? (
        <Failed error={list.error} what="your sessions" retry={() => void list.refetch()} />
      ) : (
        <SessionTable
          label="My sessions"
          rows={list.data?.pages.flatMap((p) => p.items)}
          hide={["user"]}
          empty="You have not opened a session here yet. Launch a safe, or paste its ssh command."
          more={list.hasNextPage ? { load: () => void list.fetchNextPage(), busy: list.isFetchingNextPage } : undefined}
        />
      )}
    </>
  );
}
