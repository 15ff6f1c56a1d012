import type { ReactNode } from "react";
import { Button } from "./button";
import { moveBetweenRows, openFromClick } from "./rows";
import { Skeleton } from "./states";

export interface Column<T> {
  name: string;
  cell: (row: T) => ReactNode;
  /** Leave the column out below this width: phone (640), tablet (1000), desk (1240). */
  from?: "phone" | "tablet" | "desk";
  right?: boolean;
  /** The heading is for screen readers: what the column holds is plain to see. */
  quiet?: boolean;
  skeleton?: number;
}

interface Props<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[] | undefined; // undefined while loading
  id: (row: T) => string;
  onOpen?: ((row: T) => void) | undefined;
  selected?: string | undefined;
  more?: { load: () => void; busy: boolean } | undefined;
}

/**
 * Rows open by a click anywhere in them; by keyboard through the first cell's
 * own link or button (RowOpen), with arrow keys between the rows.
 */
export function Table<T>({ label, columns, rows, id, onOpen, selected, more }: Props<T>) {
  return (
    <div className={rows ? "table-wrap" : "table-wrap late"} role="region" aria-label={label} tabIndex={-1}>
      <table className="table" aria-busy={rows === undefined}>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c.name} scope="col" className={cellClass(c)}>
                {c.quiet ? <span className="sr-only">{c.name}</span> : c.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={moveBetweenRows}>
          {rows === undefined
            ? [0, 1, 2, 3, 4, 5].map((n) => (
                <tr key={n} aria-hidden>
                  {columns.map((c, i) => (
                    <td key={c.name} className={cellClass(c)}>
                      <Skeleton width={(c.skeleton ?? 90) - ((n * 13 + i * 7) % 30)} />
                    </td>
                  ))}
                </tr>
              ))
            : rows.map((row) => (
                <tr
                  key={id(row)}
                  className={onOpen ? "opens" : undefined}
                  aria-selected={selected === undefined ? undefined : selected === id(row)}
                  onClick={onOpen && ((e) => openFromClick(e, () => onOpen(row)))}
                >
                  {columns.map((c) => (
                    <td key={c.name} className={cellClass(c)}>
                      {c.cell(row)}
                    </td>
                  ))}
                </tr>
              ))}
        </tbody>
      </table>
      {more && (
        <div className="table-more">
          <Button kind="ghost" onClick={more.load} busy={more.busy}>
            {more.busy ? "Loading" : "Show more"}
          </Button>
        </div>
      )}
    </div>
  );
}

function cellClass<T>(c: Column<T>): string | undefined {
  return [c.right ? "right num" : "", c.from ? `from-${c.from}` : ""].filter(Boolean).join(" ") || undefined;
}
