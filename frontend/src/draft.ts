// Draft: writes down what is drawn by half, a moment after the last change.

import { drafts, type Draft } from "./db";

const PAUSE = 250; // milliseconds after the last change

export class DraftKeeper {
  private timer = 0;

  /** `now` tells what is drawn; null while there is no case. */
  constructor(private readonly now: () => Draft | null) {}

  later(): void {
    this.pause();
    this.timer = window.setTimeout(() => void this.keep(), PAUSE);
  }

  /** Nothing is written down until the next change. */
  pause(): void {
    window.clearTimeout(this.timer);
  }

  /** Write it down now; a case with nothing on it has no draft. */
  async keep(): Promise<void> {
    this.pause();
    const draft = this.now();
    if (!draft) return;
    const empty = draft.shapes.length + draft.corners.length === 0 && draft.label === null;
    await (empty ? drafts.remove(draft.id) : drafts.put(draft)).catch(() => undefined);
  }

  async found(id: string): Promise<Draft | undefined> {
    return drafts.get(id).catch(() => undefined);
  }

  /** It has been answered. */
  async drop(id: string): Promise<void> {
    this.pause();
    await drafts.remove(id).catch(() => undefined);
  }
}
