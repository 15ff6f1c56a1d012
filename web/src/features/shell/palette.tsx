import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Boxes, Building2, Clapperboard, type LucideIcon, Plus, Search, SquareTerminal, UserRound } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import type { Membership } from "../../api/types";
import { useSettled } from "../../ui/settled";
import { foundMembersQuery } from "../people/queries";
import { foundSafesQuery } from "../safes/queries";
import { recentSessionsQuery } from "../sessions/queries";
import { intend } from "../terminal/intent";
import type { NavGroup } from "./nav";
import { rank } from "./rank";
import { rights } from "./rights";

interface Entry {
  id: string;
  label: string;
  detail: string;
  also?: string; // by which it is found, and which is not shown
  group: string;
  icon: LucideIcon;
  go: () => void;
}

interface Props {
  groups: NavGroup[];
  memberships: Membership[];
  current: Membership | undefined;
  onClose: () => void;
}

/** Ctrl/Cmd-K: go to pages, safes, sessions, people; start things. */
export function Palette({ groups, memberships, current, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const listId = useId();
  const entries = useEntries(groups, memberships, current, text);
  const shown = useMemo(() => rank(entries, text, (e) => `${e.label} ${e.detail} ${e.also ?? ""}`).slice(0, 30), [entries, text]);

  useEffect(() => {
    const d = dialog.current;
    const before = document.activeElement;
    if (d && !d.open) d.showModal();
    return () => {
      d?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  useEffect(() => {
    document.getElementById(`${listId}-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [at, listId]);

  const pick = (e: Entry | undefined) => {
    if (!e) return;
    onClose();
    e.go();
  };
  const onKeyDown = (e: KeyboardEvent) => {
    const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && shown.length > 0) {
      e.preventDefault();
      setAt((at + step + shown.length) % shown.length);
    } else if (e.key === "Enter") {
      e.preventDefault();
      pick(shown[at]);
    }
  };
  return (
    <dialog
      ref={dialog}
      className="palette"
      aria-label="Search and commands"
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
      onMouseDown={(e) => e.target === e.currentTarget && onClose()}
    >
      <div className="palette-input">
        <Search className="icon" aria-hidden />
        <input
          role="combobox"
          aria-label="Search safes, people, sessions and pages"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={shown.length > 0 ? `${listId}-${at}` : undefined}
          aria-autocomplete="list"
          placeholder="Search safes, people, sessions, pages"
          autoFocus
          spellCheck={false}
          value={text}
          onKeyDown={onKeyDown}
          onChange={(e) => {
            setText(e.target.value);
            setAt(0);
          }}
        />
        <kbd>Esc</kbd>
      </div>
      <div className="palette-list" role="listbox" id={listId} aria-label="Results">
        {shown.length === 0 && <p className="dim palette-none">Nothing matches “{text}”.</p>}
        {shown.map((e, i) => (
          <div key={e.id} role="option" id={`${listId}-${i}`} aria-selected={i === at} className="palette-item" onMouseMove={() => setAt(i)} onClick={() => pick(e)}>
            <e.icon className="icon" aria-hidden />
            <span className="truncate">{e.label}</span>
            <span className="faint small truncate grow">{e.detail}</span>
            <span className="faint small">{e.group}</span>
          </div>
        ))}
      </div>
    </dialog>
  );
}

function useEntries(groups: NavGroup[], memberships: Membership[], current: Membership | undefined, text: string): Entry[] {
  const navigate = useNavigate();
  const r = current ? rights(current.role) : undefined;
  const orgId = current?.org_id ?? "";
  const q = useSettled(text.trim(), 150);
  const { data: safes } = useQuery({ ...foundSafesQuery(orgId, { q: q.replace(/^launch\s*/i, ""), mine: !r?.inspect }), enabled: Boolean(r) });
  const { data: people } = useQuery({ ...foundMembersQuery(orgId, q), enabled: Boolean(r?.inspect) });
  const { data: sessions } = useQuery({ ...recentSessionsQuery(orgId), enabled: Boolean(r?.oversee) });

  return useMemo(() => {
    const list: Entry[] = [];
    const org = current?.slug ?? "";
    for (const s of safes?.items ?? []) {
      if (s.can_launch) {
        list.push({
          id: `launch-${s.id}`,
          label: `Launch ${s.name}`,
          detail: `${s.account.username}@${s.resource.host}`,
          group: "Terminal",
          icon: SquareTerminal,
          go: () => {
            intend(s.id);
            void navigate({ to: "/o/$org/terminal/$safe", params: { org, safe: s.id } });
          },
        });
      }
    }
    for (const g of groups) {
      for (const item of g.items) {
        list.push({ id: item.to, label: item.label, detail: item.hint, group: g.label, icon: item.icon, go: () => void navigate({ to: item.to, params: { org } }) });
      }
    }
    for (const s of safes?.items ?? []) {
      list.push({ id: s.id, label: s.name, detail: s.description, also: `${s.resource.name} ${s.account.username}@${s.resource.host}`, group: "Safe", icon: Boxes, go: () => void navigate({ to: "/o/$org/safes/$safe", params: { org, safe: s.id }, search: {} }) });
    }
    const make = (label: string, to: "/o/$org/safes/new" | "/o/$org/resources" | "/o/$org/accounts" | "/o/$org/my-requests" | "/o/$org/lending" | "/o/$org/checkouts", isNew: boolean) =>
      list.push({ id: `new-${label}`, label, detail: "", group: "Action", icon: Plus, go: () => void navigate({ to, params: { org }, search: isNew ? { new: "1" } : {} }) });
    if (r?.launch) {
      make("Ask for access", "/o/$org/my-requests", true);
      make("Check out a credential", "/o/$org/checkouts", true);
      make("Lend access", "/o/$org/lending", true);
    }
    if (r?.manage) {
      make("New safe", "/o/$org/safes/new", false);
      make("New resource", "/o/$org/resources", true);
      make("New account", "/o/$org/accounts", true);
    }
    for (const p of people?.items ?? []) {
      list.push({ id: p.user_id, label: p.name, detail: p.email, also: p.handle, group: "Person", icon: UserRound, go: () => void navigate({ to: "/o/$org/people", params: { org }, search: { open: p.user_id } }) });
    }
    for (const s of sessions?.items ?? []) {
      list.push({
        id: s.id,
        label: `${s.user.name} on ${s.safe.name}`,
        detail: (s.started_at ?? s.requested_at).toLocaleString(),
        group: s.state === "ended" ? "Session" : "Live",
        icon: Clapperboard,
        go: () => void navigate({ to: "/o/$org/sessions/$session", params: { org, session: s.id }, search: {} }),
      });
    }
    list.push({ id: "profile", label: "Profile", detail: "Sign-in, SSH keys, API tokens", group: "You", icon: UserRound, go: () => void navigate({ to: "/profile", search: {} }) });
    for (const m of memberships) {
      if (m.org_id !== current?.org_id) {
        list.push({ id: m.org_id, label: `Switch to ${m.name}`, detail: m.slug, group: "Organization", icon: Building2, go: () => void navigate({ to: "/o/$org", params: { org: m.slug } }) });
      }
    }
    return list;
  }, [groups, memberships, current, safes, people, sessions, r?.manage, r?.launch, navigate]);
}
