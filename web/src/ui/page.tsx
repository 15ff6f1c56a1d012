import { type ReactNode, useEffect } from "react";

/** Head of a page: title, one line that says what it is for, one primary action. */
export function PageHead({ title, lead, action, back, meta }: { title: string; lead?: ReactNode; action?: ReactNode; back?: ReactNode; meta?: ReactNode }) {
  useTitle(title);
  return (
    <header className="page-head">
      <div className="grow">
        {back && <div className="back">{back}</div>}
        <div className="row wrap">
          <h1>{title}</h1>
          {meta}
        </div>
        {lead && <p className="dim prose">{lead}</p>}
      </div>
      {action && <div className="row">{action}</div>}
    </header>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · VaultPAM`;
  }, [title]);
}
