import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { asProblem } from "../../api/problem";
import { Button } from "../../ui/button";
import { TextField } from "../../ui/field";
import { FormProblem } from "../../ui/states";
import { AuthFrame } from "../auth/frame";
import { CodeField } from "../auth/code-field";
import { askSignupPhone, confirmSignupPhone } from "./queries";

/** Where the installation demands it: the applicant's number, then the code that was sent there. */
export function SignupPhone({ access, done }: { access: string; done: () => void }) {
  const [number, setNumber] = useState("");
  const [code, setCode] = useState("");
  const ask = useMutation({ mutationFn: () => askSignupPhone(access, number.trim()), onSuccess: () => setCode("") });
  const confirm = useMutation({ mutationFn: (text: string) => confirmSignupPhone(access, text), onSuccess: done, onError: () => setCode("") });
  if (!ask.data) {
    return (
      <AuthFrame title="Your telephone number" lead="This installation asks every applicant for one. It becomes the number of the owner's account.">
        <form
          className="stack"
          noValidate
          onSubmit={(e) => {
            e.preventDefault();
            if (number.trim() !== "" && !ask.isPending) ask.mutate();
          }}
        >
          <TextField
            label="Number"
            type="tel"
            autoComplete="tel"
            autoFocus
            hint="With the country, such as +49 151 23456789. A code of six digits is sent there."
            value={number}
            error={ask.error ? asProblem(ask.error).field("number") : undefined}
            onText={setNumber}
          />
          <FormProblem error={ask.error} fields={["number"]} />
          <Button type="submit" kind="primary" full disabled={number.trim() === ""} busy={ask.isPending}>
            Send a code
          </Button>
        </form>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Your telephone number" lead={`A code of six digits is on its way to ${ask.data.number}.`}>
      <form
        className="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (code.length === 6 && !confirm.isPending) confirm.mutate(code);
        }}
      >
        <CodeField label="Code from the message" hint={`Good until ${ask.data.expires_at.toLocaleTimeString()}.`} value={code} onCode={setCode} onWhole={(c) => !confirm.isPending && confirm.mutate(c)} />
        <FormProblem error={confirm.error ?? ask.error} fields={["code"]} />
        <Button type="submit" kind="primary" full disabled={code.length !== 6} busy={confirm.isPending}>
          Confirm
        </Button>
        <Button full busy={ask.isPending} onClick={() => ask.mutate()}>
          Send a new code
        </Button>
        <Button
          kind="ghost"
          onClick={() => {
            ask.reset();
            confirm.reset();
          }}
        >
          Use another number
        </Button>
      </form>
    </AuthFrame>
  );
}
