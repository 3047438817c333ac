// Session: who is logged in, the project, and what the page remembers between visits.

import { api } from "./api";
import type { Me, Project, Role } from "./records";

export interface Session {
  readonly me: Me;
  readonly project: Project;
}

const RANK: Record<Role, number> = { reader: 0, lead: 1, admin: 2 };

export function atLeast(session: Session, role: Role): boolean {
  return RANK[session.me.reader.role] >= RANK[role];
}

/** Whose answers and drafts these are, on this machine. */
export function ownerOf(session: Session): string {
  return `${session.project.id}/${session.me.reader.name}`;
}

/** The token of a one-time link; it leaves the address bar before anything else happens. */
export function tokenOfAddress(): string {
  const { hash, search, pathname } = window.location;
  const token = new URLSearchParams(hash.slice(1)).get("token") ?? new URLSearchParams(search).get("token") ?? "";
  if (token) history.replaceState(null, "", pathname);
  return token;
}

export async function sessionOf(me: Me): Promise<Session> {
  return { me, project: await api.project() };
}

export type Theme = "auto" | "light" | "dark";
const THEMES: readonly Theme[] = ["auto", "light", "dark"];
const KEY = "foveal.theme";

export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return THEMES.find((one) => one === kept) ?? "auto";
}

export function applyTheme(chosen: Theme): void {
  localStorage.setItem(KEY, chosen);
  document.documentElement.dataset["theme"] = chosen;
}

export function nextTheme(): Theme {
  return THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length] ?? "auto";
}
