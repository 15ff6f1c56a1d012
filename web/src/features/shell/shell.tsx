import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useParams, useRouterState } from "@tanstack/react-router";
import { ChevronsUpDown, LogOut, Menu as MenuIcon, Monitor, Moon, Rows3, Search, Sun, UserRound, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Me, Membership } from "../../api/types";
import { IconButton } from "../../ui/button";
import { initials } from "../../ui/format";
import { Menu, MenuItem } from "../../ui/menu";
import { useToasts } from "../../ui/toast";
import { membershipsQuery, meQuery, signOut } from "../auth/queries";
import { Bell } from "../notices/bell";
import { Logo } from "./logo";
import { type NavGroup, orgNav, platformNav } from "./nav";
import { lastOrg, MeContext } from "./org";
import { Palette } from "./palette";
import { rights, roleWords } from "./rights";
import { setDensity, setTheme, type Theme, useDensity, useTheme } from "./theme";

/** Navigation, organization switcher, palette and the person's own menu, around every page. */
export default function Shell() {
  const { data: me } = useQuery(meQuery);
  const { data: own } = useQuery(membershipsQuery);
  const params = useParams({ strict: false });
  const [drawer, setDrawer] = useState(false);
  const [palette, setPalette] = useState(false);
  const path = useRouterState({ select: (s) => s.location.pathname });
  useEffect(() => setDrawer(false), [path]);
  usePaletteKey(() => setPalette((open) => !open));
  useFocusMainOnNavigation(path);

  if (!me) return null;
  const memberships = own?.memberships ?? [];
  const slug = params.org ?? lastOrg();
  const current = memberships.find((m) => m.slug === slug) ?? memberships[0];
  const groups = current ? orgNav(rights(current.role)) : [];
  if (me.platform_role) groups.push(platformNav);

  return (
    <MeContext.Provider value={me}>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <div className="shell">
        <aside className={drawer ? "side open" : "side"}>
          <div className="side-head">
            <Logo />
            <span className="grow" />
            <span className="only-wide">
              <Bell org={current?.org_id} />
            </span>
            <span className="only-narrow">
              <IconButton icon={X} label="Close navigation" onClick={() => setDrawer(false)} />
            </span>
          </div>
          <OrgSwitcher memberships={memberships} current={current} />
          <button type="button" className="search-button" onClick={() => setPalette(true)}>
            <Search className="icon" aria-hidden />
            <span className="grow">
              Search<span className="sr-only"> and commands</span>
            </span>
            <kbd>{modifier} K</kbd>
          </button>
          <Nav groups={groups} org={current?.slug} />
          <div className="side-foot">
            <PersonMenu me={me} role={current ? roleWords[current.role].label : me.platform_role ? "Platform" : ""} />
          </div>
        </aside>
        {drawer && <div className="drawer-scrim" onClick={() => setDrawer(false)} />}
        <header className="top-narrow">
          <IconButton icon={MenuIcon} label="Open navigation" onClick={() => setDrawer(true)} aria-expanded={drawer} />
          <Logo />
          <span className="grow" />
          <Bell org={current?.org_id} />
          <IconButton icon={Search} label="Search and commands" onClick={() => setPalette(true)} />
        </header>
        <main id="main" className="main" tabIndex={-1}>
          <Outlet />
        </main>
      </div>
      {palette && <Palette groups={groups} memberships={memberships} current={current} onClose={() => setPalette(false)} />}
    </MeContext.Provider>
  );
}

const modifier = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";

function usePaletteKey(toggle: () => void) {
  const fn = useRef(toggle);
  fn.current = toggle;
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (e.key.toLowerCase() === "k" && (e.metaKey || e.ctrlKey) && !e.shiftKey && !e.altKey) {
        e.preventDefault();
        fn.current();
      } else if (e.key === "/" && !(e.target instanceof HTMLElement && e.target.closest("input, textarea, select, [contenteditable]"))) {
        const field = document.querySelector<HTMLElement>("[data-search]");
        if (field) {
          e.preventDefault();
          field.focus();
        }
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

/** After a change of page the keyboard starts at the new content, not at the link that was left. */
function useFocusMainOnNavigation(path: string) {
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    document.getElementById("main")?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [path]);
}

function Nav({ groups, org }: { groups: NavGroup[]; org: string | undefined }) {
  return (
    <nav aria-label="Main">
      {groups.map((g) => (
        <div className="nav-group" key={g.label}>
          <div className="nav-label" id={`nav-${g.label}`}>
            {g.label}
          </div>
          <ul aria-labelledby={`nav-${g.label}`}>
            {g.items.map((item) => (
              <li key={item.to}>
                <Link to={item.to} params={org ? { org } : {}} className="nav-link" activeProps={{ "aria-current": "page" }}>
                  <item.icon className="icon" aria-hidden />
                  {item.label}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}

function OrgSwitcher({ memberships, current }: { memberships: Membership[]; current: Membership | undefined }) {
  const navigate = useNavigate();
  if (!current) return null;
  if (memberships.length === 1) {
    return (
      <div className="org-name">
        <span className="org-mark" aria-hidden="true" data-mark={initials(current.name)} />
        <span className="truncate">{current.name}</span>
      </div>
    );
  }
  return (
    <Menu
      label="Organizations"
      trigger={(p) => (
        <button type="button" className="org-name" {...p}>
          <span className="org-mark" aria-hidden="true" data-mark={initials(current.name)} />
          <span className="truncate grow">
            {current.name}
            <span className="sr-only">: switch organization</span>
          </span>
          <ChevronsUpDown className="icon" aria-hidden />
        </button>
      )}
    >
      {(close) =>
        memberships.map((m) => (
          <MenuItem
            key={m.org_id}
            checked={m.org_id === current.org_id}
            onPick={() => {
              close();
              void navigate({ to: "/o/$org", params: { org: m.slug } });
            }}
          >
            <span className="org-mark" aria-hidden="true" data-mark={initials(m.name)} />
            <span className="grow truncate">{m.name}</span>
            <span className="faint small">{roleWords[m.role].label}</span>
          </MenuItem>
        ))
      }
    </Menu>
  );
}

const themes: { value: Theme; label: string; icon: typeof Sun }[] = [
  { value: "system", label: "System theme", icon: Monitor },
  { value: "light", label: "Light theme", icon: Sun },
  { value: "dark", label: "Dark theme", icon: Moon },
];

function PersonMenu({ me, role }: { me: Me; role: string }) {
  const navigate = useNavigate();
  const current = useTheme();
  const rows = useDensity();
  const toasts = useToasts();
  return (
    <Menu
      label="You"
      trigger={(p) => (
        <button type="button" className="me" {...p}>
          <span className="avatar" aria-hidden="true" data-mark={initials(me.user.name)} />
          <span className="grow stack tight me-text">
            <span className="truncate">{me.user.name}</span>
            <span className="faint small truncate">
              {role}
              <span className="sr-only">: your menu</span>
            </span>
          </span>
          <ChevronsUpDown className="icon faint" aria-hidden />
        </button>
      )}
    >
      {(close) => (
        <>
          <div className="menu-head truncate">{me.user.email}</div>
          <MenuItem
            icon={UserRound}
            onPick={() => {
              close();
              void navigate({ to: "/profile", search: {} });
            }}
          >
            Profile
          </MenuItem>
          <hr />
          {themes.map((t) => (
            <MenuItem key={t.value} icon={t.icon} checked={current === t.value} onPick={() => setTheme(t.value)}>
              <span className="grow">{t.label}</span>
              {current === t.value && <span aria-hidden="true">✓</span>}
            </MenuItem>
          ))}
          <MenuItem icon={Rows3} toggle checked={rows === "comfortable"} onPick={() => setDensity(rows === "comfortable" ? "compact" : "comfortable")}>
            <span className="grow">Comfortable rows</span>
            {rows === "comfortable" && <span aria-hidden="true">✓</span>}
          </MenuItem>
          <hr />
          <MenuItem
            icon={LogOut}
            onPick={() => {
              signOut().then(
                () => window.location.assign("/sign-in"),
                (err: unknown) => toasts.fail(err),
              );
            }}
          >
            Sign out
          </MenuItem>
        </>
      )}
    </Menu>
  );
}
