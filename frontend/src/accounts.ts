import { h } from "./dom";
import type { Screen } from "./screen";
import type { Session } from "./session";

export function accountsScreen(_: Session): Screen {
  return { element: h("main", { class: "page", test: "screen-accounts" }), open: () => undefined, close: () => undefined };
}
