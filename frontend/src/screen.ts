// Screen: one of the page's views; opened when it is on the page, closed before it leaves.

import type { KeyWords } from "./keys";

export interface Screen {
  readonly element: HTMLElement;
  open(): void;
  close(): void;
  /** Something outside has changed, as the state of saves. */
  refresh?(): void;
  /** What keys do here, for the help sheet. */
  readonly keys?: readonly KeyWords[];
}
