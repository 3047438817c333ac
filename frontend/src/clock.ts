// Clock: how long a case was really read; pauses and hidden tabs do not count. Time is given to it.

/** Seconds of a clock that is never set. */
export const now = (): number => performance.now() / 1000;

/** Seconds of reading, from the moments in which the reader did something. */
export class ReadingClock {
  private last: number | null;

  /** `before`: seconds that were read before a reload. `now` and `idle` in seconds. */
  constructor(private readonly idle: number, now: number, private total = 0) {
    this.last = now;
  }

  /** The reader did something. */
  active(now: number): void {
    if (this.last !== null) this.total += this.counted(now - this.last);
    this.last = now;
  }

  /** The page is hidden: time stands still until `active`. */
  pause(now: number): void {
    this.active(now);
    this.last = null;
  }

  /** Seconds read until now. */
  seconds(now: number): number {
    return this.total + (this.last === null ? 0 : this.counted(now - this.last));
  }

  private counted(gap: number): number {
    return gap > 0 && gap <= this.idle ? gap : 0;
  }
}
