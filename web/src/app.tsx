import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { onSignedOut } from "./api/client";
import { asProblem } from "./api/problem";
import { StepUpHost } from "./features/auth/step-up";
import { makeRouter } from "./router";
import { ToastHost } from "./ui/toast";

function makeClient(): QueryClient {
  return new QueryClient({
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

export function App() {
  const [client] = useState(makeClient);
  const [router] = useState(() => makeRouter(client));
  useEffect(
    () =>
      onSignedOut(() => {
        const here = router.state.location;
        if (here.pathname === "/sign-in" || here.pathname === "/setup") return;
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
