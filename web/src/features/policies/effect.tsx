import type { PolicyEffect } from "../../api/types";
import { State } from "../../ui/text";
import { effectWords } from "./model";

export function EffectState({ effect }: { effect: PolicyEffect }) {
  return <State meaning={effectWords[effect].meaning}>{effectWords[effect].label}</State>;
}

/** What a launch was or would be answered. */
export function DecisionState({ decision }: { decision: string }) {
  if (decision === "allow") return <State meaning="good">Allowed</State>;
  if (decision === "require_approval") return <State meaning="warn">Needs approval</State>;
  return <State meaning="bad">Denied</State>;
}
