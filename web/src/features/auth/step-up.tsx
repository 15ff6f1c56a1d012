import { useMutation, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useState } from "react";
import { asProblem } from "../../api/problem";
import type { Challenge } from "../../api/types";
import { Dialog } from "../../ui/dialog";
import { FactorForm } from "./factor-form";
import { answerStepUp, type FactorProof, meQuery, startStepUp } from "./queries";

/** `about.safe`: the safe whose policy asks, so that the proof counts for it. */
type Guard = <T>(act: () => Promise<T>, about?: { safe?: string }) => Promise<T>;

const Context = createContext<Guard>((act) => act());

/**
 * Runs an act; when the server wants a fresh second factor first, asks for it
 * and runs the act again. A closed dialog leaves the server's refusal standing.
 */
export function useStepUp(): Guard {
  return useContext(Context);
}

interface Pending {
  challenge: Challenge;
  proved: () => void;
  gaveUp: () => void;
}

export function StepUpHost({ children }: { children: ReactNode }) {
  const [pending, setPending] = useState<Pending>();
  const client = useQueryClient();

  const guard = useCallback<Guard>(async (act, about) => {
    try {
      return await act();
    } catch (err) {
      if (!asProblem(err).wantsStepUp) throw err;
      const challenge = await startStepUp(about?.safe);
      const proved = await new Promise<boolean>((resolve) => {
        setPending({ challenge, proved: () => resolve(true), gaveUp: () => resolve(false) });
      });
      setPending(undefined);
      if (!proved) throw err;
      return await act();
    }
  }, []);

  const prove = useMutation({
    mutationFn: (proof: FactorProof) => answerStepUp(pending?.challenge.challenge_id ?? "", proof),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: meQuery.queryKey });
      pending?.proved();
    },
  });

  return (
    <Context.Provider value={guard}>
      {children}
      {pending && (
        <Dialog title="Confirm that it is you" onClose={pending.gaveUp}>
          <p className="dim">This act asks for a fresh second factor, although you are signed in.</p>
          <FactorForm
            challenge={pending.challenge}
            verb="Confirm"
            busy={prove.isPending}
            error={prove.error}
            submit={(proof) => prove.mutate(proof)}
          />
        </Dialog>
      )}
    </Context.Provider>
  );
}
