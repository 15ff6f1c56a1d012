// A session starts at once only after a click on Launch in this console. An
// address that comes from elsewhere (a link in a mail, a reload) shows a button
// first: no other page can make somebody open a privileged session.
let intended: string | undefined;

export function intend(safe: string): void {
  intended = safe;
}

export function takeIntent(safe: string): boolean {
  const yes = intended === safe;
  intended = undefined;
  return yes;
}
