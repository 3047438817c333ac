import { h } from "./dom";
import type { Screen } from "./screen";
import type { Session } from "./session";

export function dashboardScreen(_: Session): Screen {
  return { element: h("main", { class: "page", test: "screen-dashboard" }), open: () => undefined, close: () => undefined };
}
