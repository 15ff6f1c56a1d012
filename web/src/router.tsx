import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { asProblem } from "./api/problem";
import { membershipsQuery, meQuery } from "./features/auth/queries";
import { parseAuditSearch } from "./features/audit/search";
import { waitingQuery } from "./features/requests/queries";
import { anySafeQuery } from "./features/safes/queries";
import { lastOrg } from "./features/shell/org";
import { OrgLayout } from "./features/shell/org-layout";
import { rights } from "./features/shell/rights";
import Shell from "./features/shell/shell";
import { MissingPage, PageFault } from "./features/shell/page-fault";
import { parseSessionsSearch } from "./features/sessions/search";
import { optional, parseSearch, stringifySearch } from "./search";

interface Context {
  client: QueryClient;
}

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  errorComponent: PageFault,
  notFoundComponent: MissingPage,
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: optional("next", "org", "way"),
  component: lazyRouteComponent(() => import("./features/auth/sign-in")),
});
/** As messages and people also call it. */
const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  beforeLoad: () => {
    throw redirect({ to: "/sign-in", search: {}, replace: true });
  },
});
const ssoReturn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in/sso",
  component: lazyRouteComponent(() => import("./features/auth/sso-return")),
});
const enrol = createRoute({
  getParentRoute: () => root,
  path: "/enrol",
  validateSearch: optional("next", "recovery"),
  component: lazyRouteComponent(() => import("./features/auth/enrol")),
});
const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  component: lazyRouteComponent(() => import("./features/auth/setup")),
});

const invite = createRoute({
  getParentRoute: () => root,
  path: "/invite",
  component: lazyRouteComponent(() => import("./features/join/invite")),
});
const platformInvitation = createRoute({
  getParentRoute: () => root,
  path: "/platform/invitation",
  component: lazyRouteComponent(() => import("./features/join/platform-invitation")),
});
const signup = createRoute({
  getParentRoute: () => root,
  path: "/signup",
  component: lazyRouteComponent(() => import("./features/join/signup")),
});

const forgot = createRoute({
  getParentRoute: () => root,
  path: "/forgot",
  component: lazyRouteComponent(() => import("./features/recover/forgot")),
});
const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset",
  component: lazyRouteComponent(() => import("./features/recover/reset")),
});
const recover = createRoute({
  getParentRoute: () => root,
  path: "/recover",
  component: lazyRouteComponent(() => import("./features/recover/redeem")),
});
const verifyRecovery = createRoute({
  getParentRoute: () => root,
  path: "/recover/verify",
  component: lazyRouteComponent(() => import("./features/recover/verify")),
});

const requestLink = createRoute({
  getParentRoute: () => root,
  path: "/requests/decide",
  component: lazyRouteComponent(() => import("./features/requests/link")),
});

/** Everything below needs a signed-in person with a second factor. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: "in",
  beforeLoad: async ({ context, location }) => {
    try {
      const me = await context.client.ensureQueryData(meQuery);
      if (!me.mfa.enrolled) throw redirect({ to: "/enrol", search: { next: location.href } });
      await context.client.ensureQueryData(membershipsQuery);
    } catch (err) {
      if (asProblem(err).isSignedOut) throw redirect({ to: "/sign-in", search: { next: location.href === "/" ? undefined : location.href } });
      throw err;
    }
  },
  component: Outlet,
});

/** Where a person lets the command line in. */
const device = createRoute({
  getParentRoute: () => signedIn,
  path: "/device",
  component: lazyRouteComponent(() => import("./features/auth/device")),
});

const shell = createRoute({ getParentRoute: () => signedIn, id: "shell", component: Shell });

/** Home: the organization that was open last; platform people without one see the platform. */
const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  beforeLoad: async ({ context }) => {
    const { memberships } = await context.client.ensureQueryData(membershipsQuery);
    const known = memberships.find((m) => m.slug === lastOrg()) ?? memberships[0];
    if (known) throw redirect({ to: "/o/$org", params: { org: known.slug } });
    const me = await context.client.ensureQueryData(meQuery);
    throw me.platform_role ? redirect({ to: "/platform/organizations", search: {} }) : redirect({ to: "/profile", search: { tab: "access" } });
  },
});

const org = createRoute({ getParentRoute: () => shell, path: "/o/$org", component: OrgLayout });

/** The first page is the work. */
const orgHome = createRoute({
  getParentRoute: () => org,
  path: "/",
  beforeLoad: async ({ context, params }) => {
    const { memberships } = await context.client.ensureQueryData(membershipsQuery);
    const here = memberships.find((m) => m.slug === params.org);
    if (!here) return; // OrgLayout says so
    const r = rights(here.role);
    if (!r.launch) throw redirect({ to: "/o/$org/audit", params, search: {} });
    // An admin of an empty organization is led through the set-up, which is the empty list of safes.
    const some = r.manage && (await context.client.fetchQuery(anySafeQuery(here.org_id)).catch(() => false));
    const waiting = await context.client.ensureQueryData(waitingQuery(here.org_id)).catch(() => undefined);
    if (waiting && waiting.items.length > 0) throw redirect({ to: "/o/$org/approvals", params, search: {} });
    throw redirect({ to: some ? "/o/$org/live" : "/o/$org/safes", params, search: {} });
  },
});

const safes = createRoute({
  getParentRoute: () => org,
  path: "/safes",
  validateSearch: optional("q", "show", "view"),
  component: lazyRouteComponent(() => import("./features/safes/list")),
});
const newSafe = createRoute({
  getParentRoute: () => org,
  path: "/safes/new",
  validateSearch: optional("resource"),
  component: lazyRouteComponent(() => import("./features/safes/create")),
});
const safe = createRoute({
  getParentRoute: () => org,
  path: "/safes/$safe",
  validateSearch: optional("tab"),
  component: lazyRouteComponent(() => import("./features/safes/detail")),
});
const mySessions = createRoute({
  getParentRoute: () => org,
  path: "/my-sessions",
  component: lazyRouteComponent(() => import("./features/sessions/mine")),
});
const live = createRoute({
  getParentRoute: () => org,
  path: "/live",
  component: lazyRouteComponent(() => import("./features/sessions/live")),
});
const sessions = createRoute({
  getParentRoute: () => org,
  path: "/sessions",
  validateSearch: parseSessionsSearch,
  component: lazyRouteComponent(() => import("./features/sessions/list")),
});
const session = createRoute({
  getParentRoute: () => org,
  path: "/sessions/$session",
  validateSearch: optional("t"),
  component: lazyRouteComponent(() => import("./features/sessions/detail")),
});
const audit = createRoute({
  getParentRoute: () => org,
  path: "/audit",
  validateSearch: parseAuditSearch,
  component: lazyRouteComponent(() => import("./features/audit/list")),
});
const resources = createRoute({
  getParentRoute: () => org,
  path: "/resources",
  validateSearch: optional("q", "open", "new"),
  component: lazyRouteComponent(() => import("./features/resources/list")),
});
const accounts = createRoute({
  getParentRoute: () => org,
  path: "/accounts",
  validateSearch: optional("q", "open", "new", "resource"),
  component: lazyRouteComponent(() => import("./features/accounts/list")),
});
const people = createRoute({
  getParentRoute: () => org,
  path: "/people",
  validateSearch: optional("q", "role", "open", "new", "tab", "state"),
  component: lazyRouteComponent(() => import("./features/people/list")),
});
const groups = createRoute({
  getParentRoute: () => org,
  path: "/groups",
  validateSearch: optional("q", "new"),
  component: lazyRouteComponent(() => import("./features/groups/list")),
});
const group = createRoute({
  getParentRoute: () => org,
  path: "/groups/$group",
  validateSearch: optional("tab", "q"),
  component: lazyRouteComponent(() => import("./features/groups/detail")),
});
const policies = createRoute({
  getParentRoute: () => org,
  path: "/policies",
  validateSearch: optional("q", "effect"),
  component: lazyRouteComponent(() => import("./features/policies/list")),
});
const newPolicy = createRoute({
  getParentRoute: () => org,
  path: "/policies/new",
  validateSearch: optional("template"),
  component: lazyRouteComponent(() => import("./features/policies/create")),
});
const policy = createRoute({
  getParentRoute: () => org,
  path: "/policies/$policy",
  validateSearch: optional("tab"),
  component: lazyRouteComponent(() => import("./features/policies/detail")),
});
const access = createRoute({
  getParentRoute: () => org,
  path: "/access",
  validateSearch: optional("tab", "user", "safe", "at", "from", "mfa", "ticket", "use"),
  component: lazyRouteComponent(() => import("./features/access/page")),
});
const myRequests = createRoute({
  getParentRoute: () => org,
  path: "/my-requests",
  validateSearch: optional("new"),
  component: lazyRouteComponent(() => import("./features/requests/mine")),
});
const lending = createRoute({
  getParentRoute: () => org,
  path: "/lending",
  validateSearch: optional("new", "safe", "show"),
  component: lazyRouteComponent(() => import("./features/lending/page")),
});
const checkouts = createRoute({
  getParentRoute: () => org,
  path: "/checkouts",
  validateSearch: optional("new", "safe", "show", "open", "account", "user", "of"),
  component: lazyRouteComponent(() => import("./features/checkouts/page")),
});
const approvals = createRoute({
  getParentRoute: () => org,
  path: "/approvals",
  validateSearch: optional("tab", "state"),
  component: lazyRouteComponent(() => import("./features/requests/queue")),
});
const request = createRoute({
  getParentRoute: () => org,
  path: "/requests/$request",
  component: lazyRouteComponent(() => import("./features/requests/detail")),
});
/** Where messages lead; they name no organization. */
const anyRequest = createRoute({
  getParentRoute: () => shell,
  path: "/requests/$request",
  component: lazyRouteComponent(() => import("./features/requests/find")),
});
const reviews = createRoute({
  getParentRoute: () => org,
  path: "/reviews",
  validateSearch: optional("state", "new"),
  component: lazyRouteComponent(() => import("./features/reviews/list")),
});
const review = createRoute({
  getParentRoute: () => org,
  path: "/reviews/$review",
  validateSearch: optional("show", "q"),
  component: lazyRouteComponent(() => import("./features/reviews/detail")),
});
/** Where messages lead; they name no organization. */
const anyReview = createRoute({
  getParentRoute: () => shell,
  path: "/access-reviews/$review",
  component: lazyRouteComponent(() => import("./features/reviews/find")),
});
const governance = createRoute({
  getParentRoute: () => org,
  path: "/governance",
  validateSearch: optional("tab", "state", "kind"),
  component: lazyRouteComponent(() => import("./features/governance/org-queue")),
});
const governanceAction = createRoute({
  getParentRoute: () => org,
  path: "/governance/$action",
  component: lazyRouteComponent(() => import("./features/governance/org-action")),
});
/** Where the messages lead; they name no organization. */
const anyGovernanceAction = createRoute({
  getParentRoute: () => shell,
  path: "/organization/governance/$action",
  component: lazyRouteComponent(() => import("./features/governance/find")),
});
const platformGovernance = createRoute({
  getParentRoute: () => shell,
  path: "/platform/governance",
  validateSearch: optional("tab", "state", "kind", "org"),
  component: lazyRouteComponent(() => import("./features/governance/platform-queue")),
});
const platformGovernanceAction = createRoute({
  getParentRoute: () => shell,
  path: "/platform/governance/$action",
  component: lazyRouteComponent(() => import("./features/governance/platform-action")),
});
const sso = createRoute({
  getParentRoute: () => org,
  path: "/settings/sso",
  validateSearch: optional("tab", "open", "edit"),
  component: lazyRouteComponent(() => import("./features/sso/page")),
});
const organization = createRoute({
  getParentRoute: () => org,
  path: "/settings/organization",
  validateSearch: optional("tab", "open"),
  component: lazyRouteComponent(() => import("./features/settings/organization")),
});
const notifications = createRoute({
  getParentRoute: () => org,
  path: "/settings/notifications",
  validateSearch: optional("tab", "open", "edit", "channel", "state"),
  component: lazyRouteComponent(() => import("./features/settings/notifications")),
});
const notices = createRoute({
  getParentRoute: () => shell,
  path: "/notices",
  validateSearch: optional("show", "open"),
  component: lazyRouteComponent(() => import("./features/notices/notices")),
});
const profile = createRoute({
  getParentRoute: () => shell,
  path: "/profile",
  validateSearch: optional("tab"),
  component: lazyRouteComponent(() => import("./features/profile/profile")),
});
/** Where the messages to those lead who decide; it names no organization. */
const whichRecoveries = createRoute({
  getParentRoute: () => shell,
  path: "/organization/recoveries",
  beforeLoad: async ({ context }) => {
    const { memberships } = await context.client.ensureQueryData(membershipsQuery);
    const mine = memberships.filter((m) => rights(m.role).manage);
    if (mine.length === 1 && mine[0]) throw redirect({ to: "/o/$org/recoveries", params: { org: mine[0].slug }, search: { state: "pending" }, replace: true });
  },
  component: lazyRouteComponent(() => import("./features/recover/which-org")),
});
const recoveries = createRoute({
  getParentRoute: () => org,
  path: "/recoveries",
  validateSearch: optional("state", "open"),
  component: lazyRouteComponent(() => import("./features/recover/org-queue")),
});
const platformRecoveries = createRoute({
  getParentRoute: () => shell,
  path: "/platform/recoveries",
  validateSearch: optional("state", "open"),
  component: lazyRouteComponent(() => import("./features/recover/platform-queue")),
});
const organizations = createRoute({
  getParentRoute: () => shell,
  path: "/platform/organizations",
  validateSearch: optional("q", "state", "open", "new"),
  component: lazyRouteComponent(() => import("./features/platform/organizations")),
});

const submissions = createRoute({
  getParentRoute: () => shell,
  path: "/platform/submissions",
  validateSearch: optional("state", "open"),
  component: lazyRouteComponent(() => import("./features/platform/submissions")),
});
const platformUsers = createRoute({
  getParentRoute: () => shell,
  path: "/platform/users",
  validateSearch: optional("tab", "state", "open", "new"),
  component: lazyRouteComponent(() => import("./features/platform/users")),
});
const platformMail = createRoute({
  getParentRoute: () => shell,
  path: "/platform/mail",
  validateSearch: optional("open"),
  component: lazyRouteComponent(() => import("./features/platform/mail")),
});
const keys = createRoute({
  getParentRoute: () => shell,
  path: "/platform/keys",
  component: lazyRouteComponent(() => import("./features/platform/keys")),
});

/** The terminal fills the window: no shell around it. */
const terminal = createRoute({
  getParentRoute: () => signedIn,
  path: "/o/$org/terminal/$safe",
  component: lazyRouteComponent(() => import("./features/terminal/page")),
});

const tree = root.addChildren([
  signIn,
  login,
  ssoReturn,
  enrol,
  setup,
  invite,
  platformInvitation,
  signup,
  forgot,
  reset,
  recover,
  verifyRecovery,
  requestLink,
  signedIn.addChildren([
    terminal,
    device,
    shell.addChildren([
      home,
      profile,
      notices,
      organizations,
      submissions,
      platformUsers,
      platformMail,
      keys,
      whichRecoveries,
      anyRequest,
      anyReview,
      platformRecoveries,
      anyGovernanceAction,
      platformGovernance,
      platformGovernanceAction,
      org.addChildren([orgHome, safes, newSafe, safe, mySessions, live, sessions, session, audit, resources, accounts, people, groups, group, policies, newPolicy, policy, access, myRequests, lending, checkouts, approvals, request, reviews, review, governance, governanceAction, recoveries, sso, organization, notifications]),
    ]),
  ]),
]);

export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { client },
    parseSearch,
    stringifySearch,
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    scrollRestoration: false,
    defaultErrorComponent: PageFault,
    defaultNotFoundComponent: MissingPage,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
