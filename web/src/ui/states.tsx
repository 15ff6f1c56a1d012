import { Link } from "@tanstack/react-router";
import { CircleAlert, CircleCheck, CloudOff, Hourglass, Info, Lock, type LucideIcon, SearchX, TriangleAlert } from "lucide-react";
import { Fragment, type ReactNode } from "react";
import { asProblem } from "../api/problem";
import { Button } from "./button";
import { CopyButton } from "./text";

const noteIcons = { info: Info, good: CircleCheck, warn: TriangleAlert, bad: CircleAlert, plain: Info } as const;

export function Note({ meaning = "info", icon, children, live }: { meaning?: keyof typeof noteIcons; icon?: LucideIcon; children: ReactNode; live?: boolean }) {
  const Icon = icon ?? noteIcons[meaning];
  return (
    <div className={`note ${meaning}`} role={live ? (meaning === "bad" ? "alert" : "status") : undefined}>
      <Icon className="icon" aria-hidden />
      <div>{children}</div>
    </div>
  );
}

export function Empty({ icon: Icon, title, children, action, page }: { icon: LucideIcon; title: string; children: ReactNode; action?: ReactNode; page?: boolean }) {
  const Title = page ? "h1" : "h2"; // page: nothing else is on it
  return (
    <div className="empty">
      <span className="glyph">
        <Icon className="icon" aria-hidden />
      </span>
      <Title>{title}</Title>
      <p>{children}</p>
      {action}
    </div>
  );
}

/** What happened, why, what to do now, and a reference id for whoever helps. */
export function Failed({ error, retry, what, page }: { error: unknown; retry?: (() => void) | undefined; what: string; page?: boolean }) {
  const p = asProblem(error);
  if (p.isDenied) {
    return (
      <Empty page={page ?? false} icon={Lock} title={`You may not see ${what}`}>
        {p.message} An owner or admin of this organization can change your role.
      </Empty>
    );
  }
  if (p.isNotFound) {
    return (
      <Empty page={page ?? false} icon={SearchX} title="There is nothing here">
        {p.message} It may have been deleted, or it belongs to another organization.
      </Empty>
    );
  }
  return (
    <div role="alert">
      <Empty page={page ?? false} icon={p.status === 0 ? CloudOff : CircleAlert} title={`Could not load ${what}`} action={retry && <Button onClick={retry}>Try again</Button>}>
        {p.message}
        {p.requestId && (
          <span className="row faint small reference">
            Reference <code>{p.requestId}</code> <CopyButton text={p.requestId} what="reference" />
          </span>
        )}
      </Empty>
    </div>
  );
}

/** What was asked for waits for a second person: no error, and not done. */
export function Waits({ ids, children }: { ids: readonly string[]; children: ReactNode }) {
  return (
    <Note meaning="info" icon={Hourglass} live>
      {children}{" "}
      {ids.map((action, i) => (
        <Fragment key={action}>
          {i > 0 && ", "}
          <Link to="/organization/governance/$action" params={{ action }}>
            {ids.length > 1 ? `See change ${i + 1}` : "See what waits"}
          </Link>
        </Fragment>
      ))}
    </Note>
  );
}

/** A refused change, above the form's buttons. Field problems are shown at their fields too. */
export function FormProblem({ error, fields = [] }: { error: unknown; fields?: readonly string[] }) {
  if (error === null || error === undefined) return null;
  const p = asProblem(error);
  if (p.isWaiting) return <Waits ids={p.waiting ? [p.waiting] : []}>{p.message}</Waits>;
  const elsewhere = p.fields.filter((f) => !fields.some((known) => f.path.replace(/^body\./, "") === known));
  return (
    <div className="note bad" role="alert">
      <CircleAlert className="icon" aria-hidden />
      <div>
        {p.message}
        {elsewhere.map((f) => (
          <div key={f.path}>
            <code>{f.path}</code>: {f.message}
          </div>
        ))}
      </div>
      {p.requestId && p.status >= 500 && <span className="ref">Reference {p.requestId}</span>}
    </div>
  );
}

export function Skeleton({ width = 120, height }: { width?: number | string; height?: number }) {
  return <span className="skeleton" style={{ width, ...(height ? { height } : {}) }} />;
}

/** A placeholder of a page with a head and facts. */
export function PageSkeleton({ label }: { label: string }) {
  return (
    <div className="stack wide late" role="status" aria-label={`Loading ${label}`}>
      <Skeleton width={220} height={24} />
      <Skeleton width="60%" />
      <div className="card pad stack">
        <Skeleton width="40%" />
        <Skeleton width="70%" />
        <Skeleton width="55%" />
        <Skeleton width="30%" />
      </div>
    </div>
  );
}
