// Main: who is logged in, and which screen is shown.

import { api, apiErrorOf, onLoggedOut } from "./api";
import { closeDialogs, h, icon } from "./dom";
import { showHelp } from "./help";
import { KEYS } from "./keys";
import { loginScreen, loginTrouble } from "./login";
import { showAccount } from "./own_account";
import type { Me } from "./records";
import { makeOutbox, SaveState } from "./saves";
import type { Screen } from "./screen";
import { applyTheme, atLeast, nextTheme, ownerOf, sessionOf, theme, tokenOfAddress, type Session } from "./session";
import { accountsScreen } from "./accounts";
import { dashboardScreen } from "./dashboard";
import { disputesScreen } from "./disputes";
import { quarantineScreen } from "./quarantine";
import { readingScreen } from "./reading_screen";

let session: Session | null = null;
let shown: Screen | null = null;
const app = document.getElementById("app") as HTMLElement;
const outbox = makeOutbox(() => {
  saves.update();
  shown?.refresh?.();
});
const saves: SaveState = new SaveState(() => outbox);

type Page = { readonly name: string; readonly words: string; readonly role: "reader" | "lead" | "admin"; readonly make: (session: Session) => Screen };

const PAGES: readonly Page[] = [
  { name: "read", words: "Read", role: "reader", make: (one) => readingScreen(one, outbox) },
  { name: "dashboard", words: "Dashboard", role: "reader", make: dashboardScreen },
  { name: "disputes", words: "Disputes", role: "lead", make: disputesScreen },
  { name: "quarantine", words: "Left out", role: "lead", make: quarantineScreen },
  { name: "accounts", words: "Accounts", role: "admin", make: accountsScreen },
];

function show(screen: Screen, ...around: Node[]): void {
  shown?.close();
  shown = screen;
  app.replaceChildren(...around, screen.element);
  screen.element.querySelector("h1")?.focus({ preventScroll: true });
  screen.open();
}

function showLogin(message = ""): void {
  session = null;
  outbox.shut();
  closeDialogs();
  document.title = "Foveal";
  show(loginScreen(message, enter));
}

async function enter(me: Me): Promise<void> {
  session = await sessionOf(me);
  await outbox.open(ownerOf(session)).catch(() => undefined);
  route();
}

function route(): void {
  if (!session) return;
  const one = session;
  const allowed = PAGES.filter((page) => atLeast(one, page.role));
  const page = allowed.find(({ name }) => `#${name}` === window.location.hash) ?? allowed[0];
  if (!page) return;
  document.title = `${page.words} · ${one.project.name} · Foveal`;
  show(page.make(one), head(one, allowed, page));
}

function head(one: Session, allowed: readonly Page[], current: Page): HTMLElement {
  const links = allowed.map((page) =>
    h("a", { href: `#${page.name}`, test: `nav-${page.name}`, "aria-current": page === current ? "page" : null }, page.words));
  const look = h("button", { type: "button", class: "quiet", test: "theme", onclick: () => changeLook(look) }, "");
  nameLook(look);
  const { name } = one.me.reader;
  return h("header", { class: "head-bar" },
    h("span", { class: "brand" }, h("span", { class: "dot", "aria-hidden": "true" }), "Foveal"),
    h("span", { class: "project", test: "project" }, one.project.name), h("nav", { "aria-label": "Screens" }, ...links),
    h("div", { class: "own-bar" }, saves.element, look, h("button", { type: "button", class: "quiet", test: "help-button", title: "Keys and gestures (?)", onclick: help }, "Help"),
    h("button", { type: "button", class: "quiet", test: "who", title: "Your account", onclick: () => session && showAccount(session.me, (me) => (session = { ...one, me }), leave) }, name)));
}

function help(): void {
  showHelp(shown?.keys ?? KEYS);
}

function nameLook(button: HTMLElement): void {
  button.replaceChildren(icon("contrast"), h("span", { class: "word" }, { auto: "Auto", light: "Light", dark: "Dark" }[theme()]));
  button.setAttribute("aria-label", `Colors: ${theme()}; change`);
  button.title = "Colors: as the system, light, dark";
}

function changeLook(button: HTMLElement): void {
  applyTheme(nextTheme());
  nameLook(button);
}

async function leave(): Promise<void> {
  if (outbox.waiting > 0 && !window.confirm(`${outbox.waiting} answers have not reached the server. They stay in this browser until you log in here again. Log out?`)) return;
  try {
    await api.logout();
  } catch (error) {
    if (apiErrorOf(error)?.status === 401) return; // it had ended already, which has been told
    throw error;
  }
  showLogin();
}

async function start(): Promise<void> {
  applyTheme(theme());
  const token = tokenOfAddress();
  onLoggedOut(() => session && showLogin("Your session has ended. Log in to go on; nothing you drew is lost."));
  try {
    await enter(token ? await api.redeem(token) : await api.me());
  } catch (error) {
    const quiet = apiErrorOf(error)?.status === 401 && !token;
    showLogin(quiet ? "" : loginTrouble(error));
  }
}

window.addEventListener("hashchange", route);
document.addEventListener("keydown", (event) => {
  const typing = (event.target as HTMLElement).closest("input, textarea, select");
  if (event.key === "?" && session && !typing) help();
});
void start();
