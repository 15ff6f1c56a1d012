import { createLink } from "@tanstack/react-router";
import type { LucideIcon } from "lucide-react";
import type { AnchorHTMLAttributes, ButtonHTMLAttributes, ReactNode, Ref } from "react";

type Kind = "plain" | "primary" | "ghost" | "danger" | "danger solid";

interface Look {
  kind?: Kind;
  small?: boolean;
  full?: boolean;
  icon?: LucideIcon;
}

type ButtonProps = Look & {
  busy?: boolean;
  children: ReactNode;
  ref?: Ref<HTMLButtonElement>;
} & Omit<ButtonHTMLAttributes<HTMLButtonElement>, "className">;

export function Button({ kind = "plain", small, full, icon: Icon, busy, children, disabled, type = "button", ...rest }: ButtonProps) {
  return (
    <button {...rest} type={type} className={classes({ kind, small, full })} disabled={disabled || busy} aria-busy={busy || undefined}>
      {Icon && <Icon className="icon" aria-hidden />}
      {children}
    </button>
  );
}

type IconButtonProps = {
  icon: LucideIcon;
  label: string;
  kind?: Kind;
  small?: boolean;
  ref?: Ref<HTMLButtonElement>;
} & Omit<ButtonHTMLAttributes<HTMLButtonElement>, "className" | "children">;

export function IconButton({ icon: Icon, label, kind = "ghost", small, type = "button", ...rest }: IconButtonProps) {
  return (
    <button {...rest} type={type} className={`${classes({ kind, small })} icon-only`} aria-label={label} title={label}>
      <Icon className="icon" aria-hidden />
    </button>
  );
}

type AnchorProps = Look & { children?: ReactNode; ref?: Ref<HTMLAnchorElement> } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "className" | "children">;

function ButtonAnchor({ kind = "plain", small, full, icon: Icon, children, ...rest }: AnchorProps) {
  return (
    <a {...rest} className={classes({ kind, small, full })}>
      {Icon && <Icon className="icon" aria-hidden />}
      {children}
    </a>
  );
}

/** A link to another page that looks like a button. */
export const LinkButton = createLink(ButtonAnchor);

function classes({ kind, small, full }: Look): string {
  return ["btn", kind === "plain" ? "" : kind, small ? "small" : "", full ? "full" : ""].filter(Boolean).join(" ");
}
