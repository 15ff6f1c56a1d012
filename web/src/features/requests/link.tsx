import { useQuery } from "@tanstack/react-query";
import { Navigate } from "@tanstack/react-router";
import { post } from "../../api/client";
import { asProblem } from "../../api/problem";
import { LinkButton } from "../../ui/button";
import { Note } from "../../ui/states";
import { useKeptFragment } from "../auth/fragment";
import { AuthFrame } from "../auth/frame";
import { membershipsQuery } from "../auth/queries";
import { keepLink, linkKey } from "./links";

/** Where the link of an approver's message leads: to the request in its organization, with the token in hand. */
export default function RequestLink() {
  const token = useKeptFragment(linkKey);
  const own = useQuery({ ...membershipsQuery, retry: false });
  const to = useQuery({
    queryKey: ["request-link"],
    enabled: token !== "" && own.data !== undefined,
    retry: false,
    staleTime: 0,
    gcTime: 0,
    queryFn: async () => {
      const l = await post<{ organization_id: string; request_id: string }>("/access/links", { body: { token } });
      keepLink(l.request_id, token);
      return { request: l.request_id, org: own.data?.memberships.find((m) => m.org_id === l.organization_id)?.slug };
    },
  });
  const error = own.error ?? to.error;
  if (error && asProblem(error).isSignedOut) return <Navigate to="/sign-in" search={{ next: "/requests/decide" }} replace />;
  if (to.data?.org) return <Navigate to="/o/$org/requests/$request" params={{ org: to.data.org, request: to.data.request }} replace />;
  const refused = token === "" || error || to.data;
  return (
    <AuthFrame title={refused ? "This link cannot be used" : "One moment"}>
      {refused && (
        <>
          <Note meaning="warn">{error ? asProblem(error).message : "It is not whole, or it was meant for another account."}</Note>
          <LinkButton to="/" kind="primary" full>
            Go to the first page
          </LinkButton>
        </>
      )}
    </AuthFrame>
  );
}
