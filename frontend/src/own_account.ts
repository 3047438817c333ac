// Own account: another password, and the way out.

import { api } from "./api";
import { dialog, h } from "./dom";
import type { Me } from "./records";

/** `changed` is told who is logged in with the new password. */
export function showAccount(me: Me, changed: (me: Me) => void, leave: () => Promise<void>): void {
  const { name, role, has_password: known } = me.reader;
  const words = known ? "" : "You came by a link that works once. With a password you can come again.";
  const said = h("p", { class: "faint", role: "status", test: "password-message" }, words);
  const old = h("input", { id: "old-password", type: "password", autocomplete: "current-password", required: true, test: "old-password" });
  const fresh = h("input", { id: "own-password", type: "password", autocomplete: "new-password", required: true, test: "own-password" });
  const change = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      changed(await api.password(name, fresh.value, known ? old.value : ""));
      old.value = fresh.value = "";
      said.textContent = "The new password holds from now on; everywhere else you are logged out.";
    } catch (error) {
      said.textContent = (error as Error).message;
    }
  };
  const out = async (): Promise<void> => {
    shown.close();
    await leave();
  };
  const field = (id: string, text: string, input: HTMLElement): HTMLElement => h("div", { class: "field" }, h("label", { for: id }, text), input);
  const form = h("form", { class: "own", onsubmit: change }, known === true && field("old-password", "Password", old),
    field("own-password", "New password", fresh), h("button", { type: "submit", test: "set-password" }, "Set password"));
  const shown = dialog(`${name}, ${role}`, "account", form, said,
    h("div", { class: "row end" }, h("button", { type: "button", test: "logout", onclick: () => void out() }, "Log out")));
}
