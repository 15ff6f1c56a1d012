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
}

/** A person lets a device in that has no browser, by the code that it shows. */
export default function Device() {
  const guard = useStepUp();
  const hash = useLocation({ select: (l) => l.hash });
  const [code, setCode] = useState(decodeURIComponent(hash).slice(0, 16));
  const look = useMutation({ mutationFn: () => post<WaitingWire>("/auth/device/look-up", { body: { user_code: code } }) });
  const answer = useMutation({
    mutationFn: (approve: boolean) => guard(() => post("/auth/device/answer", { body: { user_code: code, approve } })),
  });

  if (answer.isSuccess) {
    return (
      <AuthFrame title={answer.variables ? "The device is signed in" : "The device was sent away"}>
        <Note live>{answer.variables ? "You can close this page and go on at the device." : "It cannot sign in with this code any more."}</Note>
      </AuthFrame>
    );
  }
  if (look.data) {
    return (
      <AuthFrame title="Let this device in?" lead="It will be able to do what you can, until its sign-in ends. Say yes only when it is yours and you have just started this.">
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
          Let it in as me
        </Button>
        <Button kind="danger" full disabled={answer.isPending} onClick={() => answer.mutate(false)}>
          Send it away
        </Button>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title="Sign in a device" lead="Type the code that the device shows.">
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
