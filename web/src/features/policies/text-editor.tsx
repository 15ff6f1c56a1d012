import { useQuery } from "@tanstack/react-query";
import { CircleAlert } from "lucide-react";
import { useEffect, useId, useRef } from "react";
import { useOrg } from "../shell/org";
import { lineOf } from "./model";
import { languageQuery } from "./queries";

/** Cedar as text, with the number of each line, and what is wrong at the line where it is. */
export function TextEditor({ text, onText, problem, readOnly }: { text: string; onText?: (v: string) => void; problem?: string | undefined; readOnly?: boolean }) {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const count = text.split("\n").length;
  const line = problem ? lineOf(problem, text) : undefined;
  const rows = Math.min(Math.max(count + 1, 10), 30);
  useEffect(() => {
    if (line && area.current) area.current.scrollTop = Math.max(0, (line - 4) * 20);
  }, [line]);
  return (
    <div className="field">
      <label htmlFor={id}>Cedar</label>
      <div className={problem ? "code-editor wrong" : "code-editor"}>
        <div className="code-gutter" aria-hidden="true" ref={gutter}>
          {Array.from({ length: count }, (_, i) => (
            <span key={i} className={i + 1 === line ? "wrong" : undefined}>
              {i + 1}
            </span>
          ))}
        </div>
        <textarea
          id={id}
          ref={area}
          className="code-area"
          wrap="off"
          rows={rows}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          readOnly={readOnly}
          aria-invalid={problem ? true : undefined}
          aria-describedby={problem ? `${id}-error` : undefined}
          value={text}
          onScroll={(e) => {
            if (gutter.current) gutter.current.scrollTop = e.currentTarget.scrollTop;
          }}
          onChange={(e) => onText?.(e.target.value)}
        />
      </div>
      {problem && (
        <p className="error" id={`${id}-error`} role="alert">
          <CircleAlert className="icon" aria-hidden /> {line ? `Line ${line}: ` : ""}
          {problem}
        </p>
      )}
    </div>
  );
}

/** What a text may look at, and the rules that stand beside it. */
export function Language() {
  const org = useOrg();
  const { data, error } = useQuery(languageQuery(org.id));
  return (
    <details>
      <summary>What a policy may look at</summary>
      {error && <p className="dim">The schema could not be loaded: {error.message}</p>}
      {data && (
        <div className="stack">
          <p className="dim small">The schema, against which a text is checked:</p>
          <pre className="code-view" tabIndex={0} aria-label="Schema">
            {data.schema}
          </pre>
          <p className="dim small">The product's own rules, which are evaluated beside yours:</p>
          <pre className="code-view" tabIndex={0} aria-label="The product's own rules">
            {data.builtin}
          </pre>
        </div>
      )}
    </details>
  );
}
