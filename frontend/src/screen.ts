// Screen: one of the page's views; opened when it is on the page, closed before it leaves.

export interface Screen {
  readonly element: HTMLElement;
  open(): void;
  close(): void;
  /** Something outside has changed, as the state of saves. */
  refresh?(): void;
}
