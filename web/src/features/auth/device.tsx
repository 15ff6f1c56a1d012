import { useMutation } from "@tanstack/react-query";
import { useLocation } from "@tanstack/react-router";
import { useState } from "react";
import { post } from "../../api/client";
import { Button } from "../../ui/button";
import { Field } from "../../ui/field";
import { FormProblem, Note } from "../../ui/states";
import { Facts, Time } from "../../ui/text";
import { AuthFrame } from "./frame";
import { useStepUp } from "./step-up";

interface WaitingWire {
  client: string;
  source_ip: string;
  created_at: string;
  purpose: "sign_in" | "step_up";
}

/** What each of the two questions is, in the words of the person who is asked. */
const words = {
  sign_in: {
    title: "Let this device in?",
    lead: "It will be able to do what you can, until its sign-in ends. Say yes only when it is yours and you have just started this.",
    yes: "Let it in as me",
    accepted: "The device is signed in",
    refused: "It cannot sign in with this code any more.",
  },
  step_up: {
    title: "Confirm for this device?",
    lead: "The device is signed in as you already. What you are about to do there needs your second factor, and it has no way to ask for it. Say yes only when you have just started this.",
    yes: "Confirm that it is me",
    accepted: "Your second factor is confirmed",
    refused: "What it wanted to do is not done. It is still signed in as you: if you did not start this, end its sign-in in your profile.",
  },
};

/** A person lets a device in that has no browser, by the code that it shows, or proves their second factor for it. */
export default function Device() {
  const guard = useStepUp();
  const hash = useLocation({ select: (l) => l.hash });
  const [code, setCode] = useState(decodeURIComponent(hash).slice(0, 16));
  const look = useMutation({ mutationFn: () => post<WaitingWire>("/auth/device/look-up", { body: { user_code: code } }) });
  const answer = useMutation({
    mutationFn: (approve: boolean) => guard(() => post("/auth/device/answer", { body: { user_code: code, approve } })),
  });

  const say = words[look.data?.purpose ?? "sign_in"];
  if (answer.isSuccess) {
    return (
      <AuthFrame title={answer.variables ? say.accepted : "The device was sent away"}>
        <Note live>{answer.variables ? "You can close this page and go on at the device." : say.refused}</Note>
      </AuthFrame>
    );
  }
  if (look.data) {
    return (
      <AuthFrame title={say.title} lead={say.lead}>
        <Facts
          rows={[
            ["Device", look.data.client],
            ["From", look.data.source_ip],
            ["Asked", <Time at={look.data.created_at} />],
            ["Code", code.toUpperCase()],
          ]}
        />
        <FormProblem error={answer.error} />
        <Button kind="primary" full busy={answer.isPending} onClick={() => answer.mutate(true)}>
          {say.yes}
        </Button>
        <Button kind="danger" full disabled={answer.isPending} onClick={() => answer.mutate(false)}>
          Send it away
        </Button>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Answer a device" lead="Type the code that the device shows.">
      <form
        className="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          if (code && !look.isPending) look.mutate();
        }}
      >
        <Field label="Code" hint="Eight letters, such as BCDF-GHJK.">
          {(w) => (
            <input {...w} className="input mono" autoFocus autoComplete="off" spellCheck={false} maxLength={16} value={code} onChange={(e) => setCode(e.target.value)} />
          )}
        </Field>
        <FormProblem error={look.error} />
        <Button type="submit" kind="primary" full disabled={!code} busy={look.isPending}>
          Continue
        </Button>
      </form>
    </AuthFrame>
  );
}
