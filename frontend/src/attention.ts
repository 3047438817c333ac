// Attention: what a reader does on an image, and whether the page is seen at all.

import { now, type ReadingClock } from "./clock";
import type { DraftKeeper } from "./draft";

/** A screen on which an image is read. */
export interface Attended {
  readonly clock: ReadingClock | null;
  readonly draft: DraftKeeper;
}

/**
 * Listen until what is returned is called. Time runs with every key and each of `moves`, and stands
 * still while the page is hidden; what is drawn by half is written down when the page is left.
 */
export function attend(on: Attended, pressed: (event: KeyboardEvent) => void, ...moves: string[]): () => void {
  const over = new AbortController();
  const { signal } = over;
  const active = (): void => on.clock?.active(now());
  const seen = (): void => {
    if (!document.hidden) return active();
    on.clock?.pause(now());
    void on.draft.keep();
  };
  document.addEventListener("keydown", (event) => (active(), pressed(event)), { signal });
  for (const move of moves) document.addEventListener(move, active, { passive: true, signal });
  document.addEventListener("visibilitychange", seen, { signal });
  window.addEventListener("pagehide", () => void on.draft.keep(), { signal });
  return () => over.abort();
}
