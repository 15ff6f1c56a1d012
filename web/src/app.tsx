import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { onSignedOut } from "./api/client";
import { asProblem } from "./api/problem";
import { StepUpHost } from "./features/auth/step-up";
import { makeRouter } from "./router";
import { ToastHost } from "./ui/toast";

function makeClient(onRefused: (code: string) => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({ onError: (err) => onRefused(asProblem(err).code) }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // A refusal stays a refusal; only a lost or failing server is asked again.
        retry: (count, err) => {
          const p = asProblem(err);
          return count < 2 && (p.status === 0 || p.status >= 502) && p.code !== "CONSOLE_FAULT";
        },
      },
    },
  });
}

/** An organization that lets its members in through its identity provider only leads there. */
function make() {
  const client = makeClient((code) => {
    if (code !== "SSO_REQUIRED" && code !== "SSO_ELSEWHERE") return;
    const { href, pathname } = router.state.location;
    const org = /^\/o\/([^/]+)/.exec(pathname)?.[1];
    if (org) void router.navigate({ to: "/sign-in", search: { next: href, org }, replace: true });
  });
  const router = makeRouter(client);
  return { client, router };
}

export function App() {
  const [{ client, router }] = useState(make);
  useEffect(
    () =>
      onSignedOut(() => {
        const here = router.state.location;
        if (/^\/(sign-in|setup|invite|signup|recover|reset|forgot|platform\/invitation)(\/|$)/.test(here.pathname)) return;
        void router.navigate({ to: "/sign-in", search: { next: here.href }, replace: true }).then(() => client.clear());
      }),
    [router, client],
  );
  return (
    <QueryClientProvider client={client}>
      <ToastHost>
        <StepUpHost>
          <RouterProvider router={router} />
        </StepUpHost>
      </ToastHost>
    </QueryClientProvider>
  );
}
