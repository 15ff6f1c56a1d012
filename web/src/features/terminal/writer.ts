import type { Terminal } from "@xterm/xterm";

/**
 * Feeds a terminal one chunk after the other, each when the last is drawn. A
 * flood then waits here instead of overrunning xterm's own buffer, which drops
 * what comes too fast.
 */
export class Writer {
  private readonly queue: Uint8Array[] = [];
  private busy = false;

  constructor(private readonly term: Terminal) {}

  write(data: Uint8Array): void {
    this.queue.push(data);
    if (!this.busy) this.next();
  }

  private next(): void {
    const data = this.queue.shift();
    this.busy = data !== undefined;
    if (data) this.term.write(data, () => this.next());
  }
}
