import { CircleDot, ClipboardX, Clock, FileX2, Network, ShieldCheck, UserCheck } from "lucide-react";
import type { SafePolicy } from "../../api/types";
import { duration } from "../../ui/format";
import { Badge } from "../../ui/text";
import { hours } from "./policy";

/** The controls of a safe that a person should know before they launch. */
export function PolicyBadges({ policy, live }: { policy: SafePolicy; live?: boolean }) {
  return (
    <span className="badges">
      {policy.recording && !live && (
        <Badge title={policy.record_input ? "Output and typed input are recorded" : "Output is recorded"}>
          <CircleDot className="icon" aria-hidden /> Recorded
        </Badge>
      )}
      {!policy.recording && (
        <Badge meaning="warn" title="Sessions on this safe leave no recording">
          <CircleDot className="icon" aria-hidden /> Not recorded
        </Badge>
      )}
      {policy.approvals > 0 && (
        <Badge title={policy.approvals === 2 ? "Two other people approve" : "One other person approves"}>
          <UserCheck className="icon" aria-hidden /> Approval
        </Badge>
      )}
      {policy.step_up && (
        <Badge title={`A code not older than ${duration(policy.step_up_freshness_seconds)}`}>
          <ShieldCheck className="icon" aria-hidden /> Fresh code
        </Badge>
      )}
      {policy.valid_hours && (
        <Badge title={`Open ${hours(policy)}`}>
          <Clock className="icon" aria-hidden /> Hours
        </Badge>
      )}
      {policy.source_networks.length > 0 && (
        <Badge title={`Only from ${policy.source_networks.join(", ")}`}>
          <Network className="icon" aria-hidden /> Networks
        </Badge>
      )}
      {policy.file_transfer === "block" && (
        <Badge title="scp, sftp and rsync are blocked">
          <FileX2 className="icon" aria-hidden /> No files
        </Badge>
      )}
      {policy.clipboard === "block" && (
        <Badge title="Copying and pasting are blocked">
          <ClipboardX className="icon" aria-hidden /> No clipboard
        </Badge>
      )}
    </span>
  );
}
