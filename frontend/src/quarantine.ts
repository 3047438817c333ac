// Quarantine: images that are left out, why, on whose word, and the way back in.

import { api } from "./api";
import { h, heading, refill, sentence } from "./dom";
import type { LeftOut } from "./records";
import type { Screen } from "./screen";

const HEADS = ["Image", "Why it is left out", "Who and when", ""];

export function quarantineScreen(): Screen {
  const notice = h("p", { class: "notice", role: "status", test: "notice" });
  const rows = h("tbody");
  const table = h("table", { test: "quarantine" }, h("thead", {}, h("tr", {}, ...HEADS.map((head) => h("th", { scope: "col" }, head)))), rows);
  const none = h("p", { class: "faint", test: "none-left-out", hidden: true }, "No image is left out.");
  const load = async (): Promise<void> => {
    try {
      const found = await api.quarantine();
      refill(rows, ...found.map((one) => row(one, () => void restore(one.sample))));
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
  const element = h("main", { class: "page narrow", test: "screen-quarantine" }, heading("Left out"),
    h("p", { class: "faint" }, "Images that nobody is asked about: those that could not be read, and those that readers or a lead called bad."),
    h("p", { class: "faint" }, "One that could not be read can be taken in again once its file is mended. One that was called bad comes back when whoever said so corrects the answer."),
    notice, h("section", { class: "card" }, table, none));
  return { element, open: () => void load(), close: () => undefined };
}

function row({ sample, reason, by, at, restorable }: LeftOut, restore: () => void): HTMLElement {
  const who = by.length > 0 ? by.join(", ") : "Foveal";
  const when = at === "" ? "" : `, ${new Date(at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}`;
  return h("tr", { test: `left-out-${sample}` }, h("th", { scope: "row" }, h("code", {}, sample)), h("td", {}, sentence(reason)), h("td", {}, `${who}${when}`),
    h("td", { class: "end" }, restorable && h("button", { type: "button", class: "small", test: `restore-${sample}`, "aria-label": `Take image ${sample} in again`, onclick: restore }, "Take in again")));
}
