import { CircleAlert, Eye, EyeOff, Search } from "lucide-react";
import {
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
  useState,
} from "react";

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  optional?: boolean;
}

/** What an input needs to be tied to its label, hint and error. */
interface Wiring {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
}

export function Field({ label, hint, error, optional, children }: FieldProps & { children: (w: Wiring) => ReactNode }) {
  const id = useId();
  const described = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>
        {label} {optional && <span className="optional">(optional)</span>}
      </label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": error ? true : undefined })}
      {error && (
        <p className="error" id={`${id}-error`}>
          <CircleAlert className="icon" aria-hidden /> {error}
        </p>
      )}
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** What is wrong with a value; said when the reader leaves the field, not while they type. */
type Checker = (value: string) => string | undefined;

function useLeft(value: string, check: Checker | undefined, error: string | undefined) {
  const [left, setLeft] = useState(false);
  return { problem: error ?? (left ? check?.(value) : undefined), onBlur: () => value !== "" && setLeft(true) };
}

type TextProps = FieldProps & { mono?: boolean; value: string; onText: (v: string) => void; check?: Checker; ref?: Ref<HTMLInputElement> } & Omit<
    InputHTMLAttributes<HTMLInputElement>,
    "onChange" | "className" | "value"
  >;

export function TextField({ label, hint, error, optional, mono, onText, check, ...rest }: TextProps) {
  const { problem, onBlur } = useLeft(rest.value, check, error);
  return (
    <Field label={label} hint={hint} error={problem} optional={optional ?? false}>
      {(w) => (
        <input
          autoComplete="off"
          spellCheck={mono ? false : undefined}
          {...rest}
          {...w}
          onBlur={onBlur}
          className={mono ? "input mono" : "input"}
          onChange={(e) => onText(e.target.value)}
        />
      )}
    </Field>
  );
}

export function SecretField({ label, hint, error, optional, onText, check, ...rest }: TextProps) {
  const [shown, setShown] = useState(false);
  const { problem, onBlur } = useLeft(rest.value, check, error);
  const Icon = shown ? EyeOff : Eye;
  return (
    <Field label={label} hint={hint} error={problem} optional={optional ?? false}>
      {(w) => (
        <div className="input-wrap">
          <input
            autoComplete="off"
            spellCheck={false}
            {...rest}
            {...w}
            type={shown ? "text" : "password"}
            onBlur={onBlur}
            className="input"
            onChange={(e) => onText(e.target.value)}
          />
          <span className="end">
            <button
              type="button"
              className="btn ghost small icon-only"
              aria-label={shown ? "Hide characters" : "Show characters"}
              aria-pressed={shown}
              onClick={() => setShown(!shown)}
            >
              <Icon className="icon" aria-hidden />
            </button>
          </span>
        </div>
      )}
    </Field>
  );
}

type AreaProps = FieldProps & { mono?: boolean; value: string; onText: (v: string) => void; check?: Checker } & Omit<
    TextareaHTMLAttributes<HTMLTextAreaElement>,
    "onChange" | "className" | "value"
  >;

export function TextArea({ label, hint, error, optional, mono, onText, check, ...rest }: AreaProps) {
  const { problem, onBlur } = useLeft(rest.value, check, error);
  return (
    <Field label={label} hint={hint} error={problem} optional={optional ?? false}>
      {(w) => (
        <textarea
          rows={3}
          spellCheck={mono ? false : undefined}
          {...rest}
          {...w}
          onBlur={onBlur}
          className={mono ? "input mono" : "input"}
          onChange={(e) => onText(e.target.value)}
        />
      )}
    </Field>
  );
}

export interface Option<V extends string = string> {
  value: V;
  label: string;
}

type SelectProps<V extends string> = FieldProps & {
  value: V | "";
  options: readonly Option<V>[];
  placeholder?: string;
  onPick: (v: V) => void;
} & Omit<SelectHTMLAttributes<HTMLSelectElement>, "onChange" | "className" | "value">;

export function SelectField<V extends string>({ label, hint, error, optional, value, options, placeholder, onPick, ...rest }: SelectProps<V>) {
  return (
    <Field label={label} hint={hint} error={error} optional={optional ?? false}>
      {(w) => (
        <select {...rest} {...w} className="input" value={value} onChange={(e) => onPick(e.target.value as V)}>
          {placeholder !== undefined && (
            <option value="" disabled={!optional}>
              {placeholder}
            </option>
          )}
          {options.map((o) => (
            <option key={o.value} value={o.value}>
              {o.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function Check({
  label,
  means,
  checked,
  onCheck,
  disabled,
}: {
  label: string;
  means?: ReactNode;
  checked: boolean;
  onCheck: (v: boolean) => void;
  disabled?: boolean;
}) {
  const id = useId();
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        aria-describedby={means ? id : undefined}
        onChange={(e) => onCheck(e.target.checked)}
      />
      <span>{label}</span>
      {means && (
        <span className="means" id={id}>
          {means}
        </span>
      )}
    </label>
  );
}

export function RadioList<V extends string>({
  legend,
  value,
  options,
  onPick,
  disabled,
}: {
  legend: string;
  value: V;
  options: readonly (Option<V> & { means: string })[];
  onPick: (v: V) => void;
  disabled?: boolean;
}) {
  const name = useId();
  return (
    <fieldset className="stack" disabled={disabled}>
      <legend className="legend">{legend}</legend>
      {options.map((o) => (
        <label className="check" key={o.value}>
          <input
            type="radio"
            name={name}
            checked={value === o.value}
            aria-describedby={`${name}-${o.value}`}
            onChange={() => onPick(o.value)}
          />
          <span>{o.label}</span>
          <span className="means" id={`${name}-${o.value}`}>
            {o.means}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

export function Segmented<V extends string>({
  label,
  value,
  options,
  onPick,
}: {
  label: string;
  value: V;
  options: readonly Option<V>[];
  onPick: (v: V) => void;
}) {
  const name = useId();
  return (
    <div className="segmented" role="radiogroup" aria-label={label}>
      {options.map((o) => (
        <label key={o.value}>
          <input type="radio" name={name} checked={value === o.value} onChange={() => onPick(o.value)} />
          {o.label}
        </label>
      ))}
    </div>
  );
}

/**
 * Where one types what a list is searched for. While the reader is in it, it shows what they
 * typed: `value` is mostly the address of the page, which follows a moment later and would take
 * letters back.
 */
export function SearchInput({ label, value, onText, placeholder }: { label: string; value: string; onText: (v: string) => void; placeholder?: string }) {
  const [typed, setTyped] = useState<string>();
  return (
    <div className="input-wrap search">
      <Search className="icon" aria-hidden />
      <input
        type="search"
        className="input"
        aria-label={label}
        placeholder={placeholder ?? label}
        value={typed ?? value}
        onChange={(e) => {
          setTyped(e.target.value);
          onText(e.target.value);
        }}
        onBlur={() => setTyped(undefined)}
        data-search
      />
    </div>
  );
}
