// Reading screen: image, tools and panel together, and the keys that work on them.

import { attend } from "./attention";
import { h, heading } from "./dom";
import { KEYS, press } from "./keys";
import type { Outbox } from "./outbox";
import { Panel } from "./panel";
import { Reading } from "./reading";
import type { Screen } from "./screen";
import type { Session } from "./session";
import { Stage } from "./stage";
import { Toolbar } from "./toolbar";

export function readingScreen(session: Session, outbox: Outbox): Screen {
  let parts: readonly { update(): void }[] = [];
  let asked = false;
  const update = (): void => {
    if (asked) return;
    asked = true;
    queueMicrotask(() => {
      asked = false;
      parts.forEach((part) => part.update());
    });
  };
  const reading = new Reading(session, outbox, update);
  const [toolbar, stage, panel] = [new Toolbar(reading, reading), new Stage(reading), new Panel(reading)];
  parts = [toolbar, stage, panel];

  let ignore = (): void => undefined;
  return {
    element: h("div", { class: "reading", test: "screen-read" }, heading("Read", false), toolbar.element, stage.element, panel.element),
    open: () => {
      ignore = attend(reading, (event) => press(reading, KEYS, event) && update(), "pointermove", "wheel");
      reading.drawing.take(session.project.tools[0] ?? "move");
      void reading.next();
    },
    refresh: update,
    keys: KEYS,
    close: () => {
      ignore();
      reading.stop();
    },
  };
}
