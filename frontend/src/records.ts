// Records: what the server sends, as the page reads it.

import type { Shapes } from "./shapes";

export type Role = "reader" | "lead" | "admin";
export type Tool = "box" | "polygon" | "brush";
export type Verdict = "labeled" | "skipped" | "unsure" | "bad";

export interface Me {
  readonly reader: { readonly name: string; readonly role: Role; readonly has_password?: boolean };
  readonly csrf: string;
}

export interface Preset {
  readonly name: string;
  readonly center: number;
  readonly width: number;
}

export interface Project {
  readonly id: string;
  readonly name: string;
  readonly classes: readonly string[];
  readonly tools: readonly Tool[];
  /** Whether regions teach the model: then an answer without one says that there is nothing to outline. */
  readonly outlines: boolean;
  readonly reading: "blinded" | "assisted";
  readonly idle_seconds: number;
  readonly lease_seconds: number;
  readonly presets: readonly Preset[];
  readonly version: string;
}

/** One's own answer to a case, as it is drawn again. */
export interface Previous {
  readonly verdict: Verdict;
  readonly class: string | null;
  readonly shapes: Shapes | null;
}

/** What one drew last on the nearest slice of the volume, or (slice null) on another picture of the patient. */
export interface Neighbor {
  readonly slice: number | null;
  readonly shapes: Shapes;
}

/** What a viewer must know of an image before its pixels. */
export interface Facts {
  readonly width: number;
  readonly height: number;
  readonly slices: number;
  readonly key_slice: number;
  readonly pair: boolean;
  readonly color: boolean;
  readonly window: { readonly center: number; readonly width: number };
  readonly spacing_mm: readonly number[];
}

export interface Case extends Facts {
  readonly done?: never;
  readonly case: string;
  readonly sample: string;
  readonly round: number;
  readonly strategy: string;
  readonly why: string;
  readonly rank: number | null;
  readonly of: number;
  readonly map: boolean;
  readonly labels_today: number;
  readonly seconds_today: number;
  readonly previous: Previous | null;
  readonly neighbor: Neighbor | null;
}

/** What the model thinks of a case; `maps` are the kinds it has. */
export interface Opinion {
  readonly class: string | null;
  readonly confidence: number | null;
  readonly maps: readonly string[];
}

export function opinionWords({ class: label, confidence }: Opinion, outlines: boolean): string {
  if (outlines) return "The map shows what the model would outline.";
  const sure = confidence === null ? "" : `, ${Math.round(100 * confidence)} %`;
  return label === null ? "The map shows where the model looks." : `The model says ${label}${sure}.`;
}

export interface Earlier {
  readonly sample: string;
  readonly verdict: Verdict;
  readonly class: string | null;
  readonly seconds: number;
  readonly at: string;
}

export interface CurvePoint {
  readonly round: number;
  readonly labels: number;
  readonly tested_on: number;
  /** Null where a metric does not exist, as with one class only. */
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly interval: Readonly<Record<string, readonly [number, number] | null>>;
}

export interface Compared {
  readonly cases: number;
  readonly same_class: number | null;
  readonly kappa: number | null;
  readonly dice: number | null;
}

export interface ReaderFigures {
  readonly name: string;
  readonly cases: number;
  readonly minutes: number;
  readonly seconds_per_case: number | null;
  readonly labeled: number;
  readonly skipped: number;
  readonly unsure: number;
  readonly bad: number;
}

export interface Dashboard {
  readonly labels: number;
  readonly candidates: number;
  readonly test_labels: number;
  readonly test_target: number;
  readonly since_training: number;
  readonly train_every: number;
  readonly queue_left: number;
  readonly minutes: number;
  readonly readers: readonly ReaderFigures[];
  readonly curve: readonly CurvePoint[];
  readonly balance: Readonly<Record<string, number>>;
  readonly advice: readonly string[];
  readonly expected_gain: string;
  readonly quarantined: number;
  readonly disputes: number;
  readonly worker: {
    readonly state: "working" | "idle" | "away";
    readonly waiting: boolean;
    readonly progress: { readonly what?: string; readonly done?: number; readonly of?: number };
    readonly error: string;
  };
  readonly agreement?: {
    readonly pairs: readonly ({ readonly readers: readonly [string, string] } & Compared)[];
    readonly self: readonly ({ readonly reader: string } & Compared)[];
    readonly disputed: number;
  };
}

export interface Dispute {
  readonly sample: string;
  /** Why a lead has to settle it. */
  readonly why: string;
  readonly answers: readonly ({ readonly reader: string } & Previous)[];
}

export interface DisputedCase extends Facts, Dispute {
  /** What most of its readers drew. */
  readonly consensus: Shapes;
}

export interface LeftOut {
  readonly sample: string;
  readonly reason: string;
  /** Readers or lead who called it bad; nobody where it could not be read. */
  readonly by: readonly string[];
  /** ISO time of the last of them; empty where nobody did. */
  readonly at: string;
  readonly restorable: boolean;
}

export interface Account {
  readonly name: string;
  readonly role: Role;
  readonly enabled: boolean;
  readonly has_password: boolean;
}
