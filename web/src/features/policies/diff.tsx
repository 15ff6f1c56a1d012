import { diffLines } from "./model";

/** A text beside what it was: added and removed lines are marked by sign and colour. */
export function TextDiff({ before, after }: { before: string; after: string }) {
  const lines = before === "" ? after.replace(/\n$/, "").split("\n").map((text) => ({ mark: "+" as const, text })) : diffLines(before, after);
  return (
    <code className="text-diff" tabIndex={0} role="group" aria-label={before === "" ? "The policy as text" : "What changes in the text"}>
      {lines.map((l, i) => (
        <span key={i} className={l.mark === "+" && before !== "" ? "plus" : l.mark === "-" ? "minus" : undefined}>
          {before === "" ? "" : `${l.mark} `}
          {l.text}
        </span>
      ))}
    </code>
  );
}
