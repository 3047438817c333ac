// Accounts: who has access, as what, and links that let someone in once.

import { api } from "./api";
import { dialog, h, heading, refill } from "./dom";
import type { Account, Role } from "./records";
import type { Screen } from "./screen";

const ROLES: readonly Role[] = ["reader", "lead", "admin"];

export function accountsScreen(): Screen {
  const made = new Accounts();
  return { element: made.element, open: () => void made.load(), close: () => undefined };
}

class Accounts {
  private readonly notice = h("p", { class: "notice", role: "status", test: "notice" });
  private readonly rows = h("tbody");
  private readonly name = h("input", { id: "new-name", required: true, autocapitalize: "none", autocomplete: "off", test: "new-name" });
  private readonly role = roleChoice("reader", "new-role");
  private readonly password = h("input", { id: "new-password", type: "password", autocomplete: "new-password", test: "new-password" });
  readonly element: HTMLElement;

  constructor() {
    this.role.id = "new-role";
    const form = h("form", { class: "new-account", onsubmit: (event: Event) => void this.add(event) },
      field("new-name", "Name", this.name), field("new-role", "Role", this.role), field("new-password", "Password, or empty for a link", this.password),
      h("button", { type: "submit", class: "primary", test: "add-account" }, "Add"));
    const heads = ["Name", "Role", "Access", ""].map((head) => h("th", { scope: "col" }, head));
    this.element = h("main", { class: "page narrow", test: "screen-accounts" }, heading("Accounts"),
      h("p", { class: "faint" }, "Readers read. Leads also see everybody's figures, settle disputes, export and import. Admins also keep these accounts."),
      this.notice, h("section", { class: "card" }, h("h2", {}, "New account"), form),
      h("section", { class: "card" }, h("table", { test: "accounts" }, h("thead", {}, h("tr", {}, ...heads)), this.rows)));
  }

  async load(): Promise<void> {
    try {
      refill(this.rows, ...(await api.accounts()).map((one) => this.row(one)));
    } catch (error) {
      this.notice.textContent = (error as Error).message;
    }
  }

  private row(one: Account): HTMLElement {
    const role = roleChoice(one.role, `role-${one.name}`);
    role.setAttribute("aria-label", `Role of ${one.name}`);
    role.addEventListener("change", () => void this.change(one.name, { role: role.value }));
    const [has, change] = one.enabled ? ["Yes", "Take access away"] : ["No", "Give access again"];
    const access = h("button", { type: "button", class: "small", test: `enable-${one.name}`, "aria-label": `${change}: ${one.name}`, onclick: () => void this.change(one.name, { enabled: !one.enabled }) }, change);
    const link = h("button", { type: "button", class: "small", test: `invite-${one.name}`, "aria-label": `New link for ${one.name}`, onclick: () => void this.invite(one.name) }, "New link");
    return h("tr", {}, h("th", { scope: "row" }, one.name), h("td", {}, role), h("td", {}, has), h("td", { class: "end" }, h("div", { class: "row end" }, access, link)));
  }

  private async change(name: string, change: unknown): Promise<void> {
    await this.tried(() => api.changeAccount(name, change));
  }

  private async tried(work: () => Promise<unknown>): Promise<void> {
    this.notice.textContent = "";
    try {
      await work();
    } catch (error) {
      this.notice.textContent = (error as Error).message;
    }
    await this.load();
  }

  private async add(event: Event): Promise<void> {
    event.preventDefault();
    await this.tried(async () => {
      const { link, name } = await api.addAccount(this.name.value.trim(), this.role.value, this.password.value);
      const invited = this.password.value === "";
      this.name.value = this.password.value = "";
      if (invited) showLink(name, link);
    });
  }

  private async invite(name: string): Promise<void> {
    await this.tried(async () => showLink(name, (await api.invite(name)).link));
  }
}

function roleChoice(current: Role, test: string): HTMLSelectElement {
  const made = h("select", { test }, ...ROLES.map((role) => h("option", { value: role }, role)));
  made.value = current;
  return made;
}

function field(id: string, words: string, control: HTMLElement): HTMLElement {
  return h("div", { class: "field" }, h("label", { for: id }, words), control);
}

function showLink(name: string, link: string): void {
  const text = h("input", { class: "link", readonly: true, value: link, test: "invitation-link", "aria-label": "Link", onfocus: () => text.select() });
  dialog("A link to log in once", "invitation", h("p", {}, `Give this to ${name} and to nobody else. It works once, within a week.`), text);
  text.focus();
}
