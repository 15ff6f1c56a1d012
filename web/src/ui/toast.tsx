import { CircleAlert, CircleCheck, Hourglass, X } from "lucide-react";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from "react";
import { asProblem } from "../api/problem";
import { IconButton } from "./button";

interface Toast {
  id: number;
  text: string;
  bad: boolean;
  waiting?: string | undefined; // id of the change that waits for a second person
}

interface Toasts {
  say: (text: string) => void;
  fail: (err: unknown) => void;
}

const Context = createContext<Toasts>({ say: () => undefined, fail: () => undefined });

/** Says that something was done, or was not, when no place on the page can. */
export function useToasts(): Toasts {
  return useContext(Context);
}

export function ToastHost({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const next = useRef(1);
  const drop = useCallback((id: number) => setToasts((all) => all.filter((t) => t.id !== id)), []);
  const add = useCallback(
    (text: string, bad: boolean, waiting?: string) => {
      const id = next.current++;
      setToasts((all) => [...all.slice(-2), { id, text, bad, waiting }]);
      if (!bad && !waiting) setTimeout(() => drop(id), 5000); // a failure stays until it is read
    },
    [drop],
  );
  const value = useMemo<Toasts>(() => ({ say: (text) => add(text, false), fail: (err) => add(asProblem(err).message, !asProblem(err).isWaiting, asProblem(err).waiting) }), [add]);
  return (
    <Context.Provider value={value}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map((t) => (
          <div key={t.id} className={t.bad ? "toast bad" : "toast"}>
            {t.bad ? <CircleAlert className="icon" aria-hidden /> : t.waiting ? <Hourglass className="icon" aria-hidden /> : <CircleCheck className="icon" aria-hidden />}
            <span className="grow">
              {t.text} {t.waiting && <a href={`/organization/governance/${t.waiting}`}>See what waits</a>}
            </span>
            <IconButton icon={X} label="Dismiss" small onClick={() => drop(t.id)} />
          </div>
        ))}
      </div>
    </Context.Provider>
  );
}
