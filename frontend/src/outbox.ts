// Outbox: answers wait here until the server says that they are saved; lost networks and reloads
// do not matter, since each is written down first and sent again under the same key.

import { ApiError, type AnswerBody } from "./api";

export interface Entry {
  readonly key: string;
  /** Project and reader: answers of others on this machine are not ours to send. */
  readonly owner: string;
  readonly case: string;
  readonly sample: string;
  readonly body: AnswerBody;
  /** Milliseconds since 1970; answers are sent in the order in which they were given. */
  readonly at: number;
  /** What the server said against it; empty while it may still be saved. */
  readonly refused: string;
}

/** Where entries are kept; resolves when they are on the disk. */
export interface Shelf {
  all(): Promise<Entry[]>;
  put(entry: Entry): Promise<void>;
  remove(key: string): Promise<void>;
}

export type SaveState = "saved" | "saving" | "waiting" | "refused";

export interface Wiring {
  readonly shelf: Shelf;
  readonly send: (entry: Entry) => Promise<void>;
  readonly wait: (milliseconds: number) => Promise<void>;
  readonly changed: () => void;
}

/** A name that no other answer has. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

/** Milliseconds to wait before trying once more. */
export function backoff(failures: number): number {
  return Math.min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT);
}

export class Outbox {
  private entries: Entry[] = [];
  private running: Promise<void> | null = null;
  private failures = 0;
  private waiters = new Map<string, (refused: string) => void>();
  private owner = "";

  constructor(private readonly wiring: Wiring) {}

  get waiting(): number {
    return this.entries.filter((entry) => !entry.refused).length;
  }

  get refused(): readonly Entry[] {
    return this.entries.filter((entry) => entry.refused);
  }

  get state(): SaveState {
    if (this.waiting > 0) return this.failures > 0 ? "waiting" : "saving";
    return this.refused.length > 0 ? "refused" : "saved";
  }

  /** Take up what an owner left behind, and send it. */
  async open(owner: string): Promise<void> {
    this.owner = owner;
    const all = await this.wiring.shelf.all();
    this.entries = all.filter((entry) => entry.owner === owner).sort((a, b) => a.at - b.at);
    this.wiring.changed();
    this.hurry();
  }

  /** Whoever logs in next sends nothing of those before; it stays written down. */
  shut(): void {
    Object.assign(this, { owner: "", entries: [], failures: 0 });
    this.interrupt();
  }

  /** Write an answer down and send it; resolves when it is written down. */
  async put(entry: Omit<Entry, "owner" | "refused">): Promise<void> {
    const whole = { ...entry, owner: this.owner, refused: "" };
    await this.wiring.shelf.put(whole);
    this.entries.push(whole);
    this.wiring.changed();
    this.flush();
  }

  /** Resolves when the server has taken (or refused) an answer; what it said against it, if so. */
  outcome(key: string): Promise<string> {
    const entry = this.entries.find((one) => one.key === key);
    if (!entry || entry.refused) return Promise.resolve(entry?.refused ?? "");
    return new Promise((resolve) => this.waiters.set(key, resolve));
  }

  /** Resolves when nothing is waiting any more. */
  async settled(): Promise<void> {
    while (this.waiting > 0) await (this.flush(), this.running);
  }

  /** Send what waits, in order; one at a time. */
  flush(): void {
    this.running ??= this.work().finally(() => {
      this.running = null;
      this.wiring.changed();
    });
  }

  /** Try now instead of after the pause. */
  hurry(): void {
    this.interrupt();
    this.flush();
  }

  private interrupt: () => void = () => undefined;

  private async work(): Promise<void> {
    for (let entry = this.next(); entry; entry = this.next()) {
      try {
        await this.wiring.send(entry);
        this.failures = 0;
        await this.drop(entry.key);
      } catch (error) {
        if (hopeless(error)) await this.refuse(entry, (error as Error).message);
        else await this.pause();
      }
    }
  }

  private next(): Entry | undefined {
    return this.entries.find((entry) => !entry.refused);
  }

  private async pause(): Promise<void> {
    this.failures += 1;
    this.wiring.changed();
    const hurried = new Promise<void>((resolve) => (this.interrupt = resolve));
    await Promise.race([this.wiring.wait(backoff(this.failures)), hurried]);
  }

  private async refuse(entry: Entry, reason: string): Promise<void> {
    const refused = { ...entry, refused: reason };
    await this.wiring.shelf.put(refused);
    this.entries = this.entries.map((one) => (one.key === entry.key ? refused : one));
    this.tell(entry.key, reason);
  }

  /** Forget an answer. */
  async drop(key: string): Promise<void> {
    await this.wiring.shelf.remove(key);
    this.entries = this.entries.filter((entry) => entry.key !== key);
    this.tell(key, "");
  }

  private tell(key: string, refused: string): void {
    this.waiters.get(key)?.(refused);
    this.waiters.delete(key);
    this.wiring.changed();
  }
}

/** Whether the server will never take an answer that failed so. */
function hopeless(error: unknown): boolean {
  return error instanceof ApiError && !error.passing && error.status !== 401 && error.code !== "csrf";
}
