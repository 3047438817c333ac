// Quarantine: images that are left out, why, and the way back in.

import { api } from "./api";
import { h } from "./dom";
import type { Screen } from "./screen";

export function quarantineScreen(): Screen {
  const notice = h("p", { class: "notice", role: "status", test: "notice" });
  const rows = h("tbody");
  const table = h("table", { test: "quarantine" }, h("thead", {}, h("tr", {}, ...["Image", "Why it is left out", ""].map((head) => h("th", { scope: "col" }, head)))), rows);
  const none = h("p", { class: "faint", test: "none-left-out" }, "No image is left out.");
  const load = async (): Promise<void> => {
    try {
      const found = await api.quarantine();
      rows.replaceChildren(...found.map(({ sample, reason }) => h("tr", {}, h("th", { scope: "row" }, sample), h("td", {}, reason),
        h("td", { class: "end" }, h("button", { type: "button", class: "small", test: `restore-${sample}`, onclick: () => void restore(sample) }, "Take in again")))));
      table.hidden = found.length === 0;
      none.hidden = found.length > 0;
    } catch (error) {
      notice.textContent = (error as Error).message;
    }
  };
  const restore = async (sample: string): Promise<void> => {
    notice.textContent = "";
    await api.restore(sample).catch((error: Error) => (notice.textContent = error.message));
    await load();
  };
  const element = h("main", { class: "page narrow", test: "screen-quarantine" }, h("h1", {}, "Left out"),
    h("p", { class: "faint" }, "Images that could not be read or were called bad. They hold nothing up; once a file is mended it can come back."),
    notice, h("section", { class: "card" }, table, none));
  return { element, open: () => void load(), close: () => undefined };
}
