import { Activity, BadgeCheck, BellRing, Boxes, Building2, CircleHelp, Clapperboard, ClipboardCheck, Eye, FileKey, Handshake, Inbox, KeyRound, LifeBuoy, LogIn, type LucideIcon, Mail, Scale, ScrollText, Send, Server, ShieldCheck, SlidersHorizontal, SquareTerminal, UserCog, Users, UsersRound } from "lucide-react";
import type { Rights } from "./rights";

export interface NavItem {
  to: string; // route id with $org
  label: string;
  icon: LucideIcon;
  hint: string; // for the palette
}
export interface NavGroup {
  label: string;
  items: NavItem[];
}

const checkouts: NavItem = { to: "/o/$org/checkouts", label: "Checkouts", icon: Eye, hint: "Credentials that are shown to people" };
const approvals: NavItem = { to: "/o/$org/approvals", label: "Approvals", icon: BadgeCheck, hint: "Requests that wait for you" };

const reviews: NavItem = { to: "/o/$org/reviews", label: "Access reviews", icon: ClipboardCheck, hint: "Who still needs which right" };

/** Only what the role may open; nothing is greyed out. */
export function orgNav(r: Rights): NavGroup[] {
  const groups: NavGroup[] = [];
  if (r.launch) {
    groups.push({
      label: "Connect",
      items: [
        { to: "/o/$org/safes", label: "Safes", icon: Boxes, hint: "What you may open" },
        { to: "/o/$org/my-sessions", label: "My sessions", icon: SquareTerminal, hint: "What you opened" },
        { to: "/o/$org/my-requests", label: "My requests", icon: Send, hint: "Access that you asked for" },
        checkouts,
        { to: "/o/$org/lending", label: "Lent access", icon: Handshake, hint: "What you lend, and what is lent to you" },
        ...(r.oversee ? [] : [approvals, reviews]),
      ],
    });
  }
  if (r.oversee) {
    groups.push({
      label: "Oversee",
      items: [
        { to: "/o/$org/live", label: "Live", icon: Activity, hint: "Running sessions" },
        approvals,
        reviews,
        { to: "/o/$org/governance", label: "Sensitive changes", icon: ShieldCheck, hint: "What waits for a second administrator" },
        { to: "/o/$org/sessions", label: "Sessions", icon: Clapperboard, hint: "History and recordings" },
        ...(r.launch ? [] : [checkouts]),
        { to: "/o/$org/audit", label: "Audit", icon: ScrollText, hint: "What happened, with proof" },
      ],
    });
  }
  if (r.inspect) {
    const safes: NavItem[] = r.launch ? [] : [{ to: "/o/$org/safes", label: "Safes", icon: Boxes, hint: "Who may open what" }];
    groups.push({
      label: "Manage",
      items: [
        ...safes,
        { to: "/o/$org/resources", label: "Resources", icon: Server, hint: "Hosts that safes lead to" },
        { to: "/o/$org/accounts", label: "Accounts", icon: KeyRound, hint: "Identities on those hosts" },
        { to: "/o/$org/people", label: "People", icon: Users, hint: "Members and roles" },
        { to: "/o/$org/groups", label: "Groups", icon: UsersRound, hint: "People who reach the same safes" },
        { to: "/o/$org/policies", label: "Policies", icon: Scale, hint: "When and how safes are opened" },
        { to: "/o/$org/access", label: "Explain access", icon: CircleHelp, hint: "Who can open what, and why" },
        { to: "/o/$org/recoveries", label: "Lost factors", icon: LifeBuoy, hint: "Who asks for a new second factor" },
      ],
    });
  }
  if (r.manage) {
    groups.push({
      label: "Settings",
      items: [
        { to: "/o/$org/settings/organization", label: "Organization", icon: SlidersHorizontal, hint: "Name, sign-in rules, mail" },
        { to: "/o/$org/settings/sso", label: "Single sign-on", icon: LogIn, hint: "Your own identity provider" },
        { to: "/o/$org/settings/notifications", label: "Notifications", icon: BellRing, hint: "Slack, webhooks, words of your own, and what was sent" },
      ],
    });
  }
  return groups;
}

export const platformNav: NavGroup = {
  label: "Platform",
  items: [
    { to: "/platform/organizations", label: "Organizations", icon: Building2, hint: "All organizations of this installation" },
    { to: "/platform/submissions", label: "Submissions", icon: Inbox, hint: "Organizations that ask to be let in" },
    { to: "/platform/governance", label: "Sensitive changes", icon: ShieldCheck, hint: "What waits for a second person, in all organizations" },
    { to: "/platform/recoveries", label: "Lost factors", icon: LifeBuoy, hint: "Operators and owners who ask for a new second factor" },
    { to: "/platform/users", label: "Operators", icon: UserCog, hint: "Who runs this installation" },
    { to: "/platform/mail", label: "Mail", icon: Mail, hint: "Messages of the platform and their delivery" },
    { to: "/platform/keys", label: "Keys", icon: FileKey, hint: "Root key, ledgers and their signing keys" },
  ],
};
