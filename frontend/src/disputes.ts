import { h } from "./dom";
import type { Screen } from "./screen";
import type { Session } from "./session";

export function disputesScreen(_: Session): Screen {
  return { element: h("main", { class: "page", test: "screen-disputes" }), open: () => undefined, close: () => undefined };
}
