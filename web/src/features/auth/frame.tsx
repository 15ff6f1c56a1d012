import type { ReactNode } from "react";
import { Logo } from "../shell/logo";
import { useTitle } from "../../ui/page";

/** The quiet page around everything that happens before the console. */
export function AuthFrame({ title, lead, children, wide }: { title: string; lead?: ReactNode; children: ReactNode; wide?: boolean }) {
  useTitle(title);
  return (
    <main className="auth">
      <div className={wide ? "auth-box wide" : "auth-box"}>
        <Logo />
        <div className="card pad stack">
          <div className="stack tight">
            <h1>{title}</h1>
            {lead && <p className="dim">{lead}</p>}
          </div>
          {children}
        </div>
      </div>
    </main>
  );
}
