import { h } from "./dom";
import type { Screen } from "./screen";
import type { Session } from "./session";

export function quarantineScreen(_: Session): Screen {
  return { element: h("main", { class: "page", test: "screen-quarantine" }), open: () => undefined, close: () => undefined };
}
