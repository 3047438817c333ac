// Undo: the states of a drawing, one after another; pure.

const MOST = 200;

export interface Trail<T> {
  readonly past: readonly T[];
  readonly now: T;
  readonly future: readonly T[];
}

/** A trail that begins here. */
export function begun<T>(now: T): Trail<T> {
  return { past: [], now, future: [] };
}

/** The next state; what had been undone is given up. */
export function done<T>(trail: Trail<T>, now: T): Trail<T> {
  return { past: [...trail.past, trail.now].slice(-MOST), now, future: [] };
}

/** One state back, if there is one. */
export function undone<T>(trail: Trail<T>): Trail<T> {
  if (trail.past.length === 0) return trail;
  const now = trail.past[trail.past.length - 1] as T;
  return { past: trail.past.slice(0, -1), now, future: [trail.now, ...trail.future] };
}

/** One state forward, if there is one. */
export function redone<T>(trail: Trail<T>): Trail<T> {
  if (trail.future.length === 0) return trail;
  const now = trail.future[0] as T;
  return { past: [...trail.past, trail.now], now, future: trail.future.slice(1) };
}
