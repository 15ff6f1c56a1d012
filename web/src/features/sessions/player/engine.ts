import { SerializeAddon } from "@xterm/addon-serialize";
import { fitScreen, openScreen, type Screen } from "../../terminal/screen";
import { type Cast, parseSize } from "./cast";
import { durationOf } from "./timeline";

export interface PlayerState {
  at: number; // seconds
  playing: boolean;
  ended: boolean;
  skipped: number; // seconds of idle time that the last jump left out; 0 when none
}

interface Snapshot {
  index: number; // events before this one are in it
  cols: number;
  rows: number;
  screen: string;
}

const idleAfter = 2; // seconds without a change count as idle
const snapshotEvery = 256 * 1024; // characters fed between two snapshots

/**
 * Plays a cast on a terminal of ours. The recording is fed to the same terminal
 * that live sessions use, which draws and never acts on what it is told. Going
 * back starts from the nearest snapshot, so that jumps stay quick in long ones.
 */
export class Player {
  readonly duration: number;
  speed = 1;
  skipIdle = true;
  private readonly screen: Screen;
  private readonly serializer = new SerializeAddon();
  private readonly snapshots: Snapshot[] = [];
  private index = 0; // next event to feed
  private at = 0;
  private fedSinceSnapshot = 0;
  private playing = false;
  private skipped = 0;
  private lastFrame = 0;
  private frame = 0;
  private working: Promise<void> = Promise.resolve();
  private disposed = false;

  constructor(
    host: HTMLElement,
    private readonly cast: Cast,
    private readonly onState: (s: PlayerState) => void,
  ) {
    this.duration = durationOf(cast);
    this.screen = openScreen(host, { cols: cast.cols, rows: cast.rows, fontSize: 14, scrollback: 0, readOnly: true });
    this.screen.term.loadAddon(this.serializer);
  }

  /** Makes the whole screen fit the width and height that it is given. */
  fit(width: number, height: number): void {
    fitScreen(this.screen, width, height);
  }

  play(): void {
    if (this.playing || this.disposed) return;
    if (this.at >= this.duration) void this.seek(0);
    this.playing = true;
    this.lastFrame = performance.now();
    this.frame = requestAnimationFrame(this.tick);
    this.tell();
  }

  pause(): void {
    this.playing = false;
    cancelAnimationFrame(this.frame);
    this.tell();
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  /** Shows the screen as it was at `to`. Calls while one is under way are done in order. */
  seek(to: number): Promise<void> {
    const target = Math.max(0, Math.min(to, this.duration));
    this.at = target;
    this.skipped = 0;
    this.tell();
    this.working = this.working.then(async () => {
      if (this.disposed) return;
      const first = this.indexAt(target);
      if (first < this.index) await this.restore(first);
      await this.feedUntil(first);
      this.lastFrame = performance.now();
    });
    return this.working;
  }

  dispose(): void {
    this.disposed = true;
    cancelAnimationFrame(this.frame);
    this.screen.dispose();
  }

  private readonly tick = (now: number) => {
    if (!this.playing || this.disposed) return;
    // The first frame may be dated before play was pressed.
    this.at = Math.min(this.duration, this.at + (Math.max(0, now - this.lastFrame) / 1000) * this.speed);
    this.lastFrame = now;
    const next = this.cast.events[this.index];
    if (this.skipIdle && next && next.at - this.at > idleAfter) {
      this.skipped = next.at - this.at - 0.5;
      this.at = next.at - 0.5;
    } else if (next && next.at <= this.at) {
      this.skipped = 0;
    }
    const due = this.indexAt(this.at);
    if (due > this.index) {
      this.working = this.working.then(() => this.feedUntil(due));
    }
    if (this.at >= this.duration) this.playing = false;
    else this.frame = requestAnimationFrame(this.tick);
    this.tell();
  };

  /** Number of events that have happened at a time. */
  private indexAt(at: number): number {
    const { events } = this.cast;
    let low = 0;
    let high = events.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if ((events[mid]?.at ?? 0) <= at) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  private async restore(target: number): Promise<void> {
    const { term } = this.screen;
    const kept = this.snapshots.findLast((s) => s.index <= target);
    term.reset();
    term.resize(kept?.cols ?? this.cast.cols, kept?.rows ?? this.cast.rows);
    this.index = kept?.index ?? 0;
    if (kept) await this.write(kept.screen);
    this.fedSinceSnapshot = 0;
  }

  private async feedUntil(target: number): Promise<void> {
    const { term } = this.screen;
    let text = "";
    while (this.index < target && !this.disposed) {
      const e = this.cast.events[this.index];
      if (!e) break;
      if (e.kind === "output") {
        text += e.data;
        this.fedSinceSnapshot += e.data.length;
      } else if (e.kind === "resize") {
        const size = parseSize(e.data);
        if (size) {
          await this.write(text);
          text = "";
          term.resize(size.cols, size.rows);
        }
      }
      this.index++;
      if (this.fedSinceSnapshot >= snapshotEvery) {
        await this.write(text);
        text = "";
        this.keep();
      } else if (text.length > 64 * 1024) {
        await this.write(text);
        text = "";
      }
    }
    await this.write(text);
  }

  private keep(): void {
    this.fedSinceSnapshot = 0;
    const last = this.snapshots.at(-1);
    if (last && last.index >= this.index) return;
    const { term } = this.screen;
    this.snapshots.push({ index: this.index, cols: term.cols, rows: term.rows, screen: this.serializer.serialize({ scrollback: 0 }) });
  }

  private write(text: string): Promise<void> {
    if (text === "" || this.disposed) return Promise.resolve();
    return new Promise((resolve) => this.screen.term.write(text, resolve));
  }

  private tell(): void {
    if (!this.disposed) this.onState({ at: this.at, playing: this.playing, ended: this.at >= this.duration, skipped: this.skipped });
  }
}
