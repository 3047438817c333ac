import { describe, expect, it } from "vitest";
import { ApiError } from "../src/api";
import { backoff, Outbox, type Entry } from "../src/outbox";

const body = { verdict: "unsure" as const, class: null, shapes: null, seconds: 1 };
const entry = (key: string, at = 0) => ({ key, case: "c", sample: `s-${key}`, body, at });
const lost = (): ApiError => new ApiError(0, "network", "lost");

/** A server that answers as it is told to, and a disk that survives its outbox. */
function world(disk = new Map<string, Entry>()) {
  const saved: string[] = [];
  const waits: number[] = [];
  const log: string[] = [];
  const told: { answer: (entry: Entry) => void } = { answer: () => undefined };
  const make = (): Outbox => new Outbox({
    shelf: {
      all: async () => [...disk.values()],
      put: async (one) => void (log.push(`disk ${one.key}`), disk.set(one.key, one)),
      remove: async (key) => void disk.delete(key),
    },
    send: async (one) => {
      log.push(`send ${one.key}`);
      told.answer(one);
      saved.push(one.key);
    },
    wait: async (ms) => void waits.push(ms),
    changed: () => undefined,
  });
  return { disk, saved, waits, log, told, make };
}

describe("an answer", () => {
  it("is written down before it is sent, and forgotten only when it is saved", async () => {
    const { make, log, disk, saved } = world();
    const outbox = make();
    await outbox.open("p/ada");
    await outbox.put(entry("a"));
    expect(await outbox.outcome("a")).toBe("");
    expect(log).toEqual(["disk a", "send a"]);
    expect([saved, disk.size, outbox.state]).toEqual([["a"], 0, "saved"]);
  });

  it("is not promised if it cannot be written down", async () => {
    const outbox = new Outbox({
      shelf: { all: async () => [], put: async () => Promise.reject(new Error("full")), remove: async () => undefined },
      send: async () => Promise.reject(new Error("must not be sent")), wait: async () => undefined, changed: () => undefined,
    });
    await outbox.open("p/ada");
    await expect(outbox.put(entry("a"))).rejects.toThrow("full");
    expect(outbox.waiting).toBe(0);
  });

  it("is sent again under the same key until it arrives, less and less often", async () => {
    const { make, told, waits, saved, log } = world();
    let failures = 4;
    told.answer = () => {
      if (failures-- > 0) throw lost();
    };
    const outbox = make();
    await outbox.open("p/ada");
    await outbox.put(entry("a"));
    await outbox.settled();
    expect(saved).toEqual(["a"]);
    expect(log.filter((line) => line === "send a")).toHaveLength(5);
    expect(waits).toEqual([1000, 2000, 4000, 8000]);
    expect(backoff(60)).toBe(30_000);
  });

  it("survives a reload, and its order with it", async () => {
    const first = world();
    first.told.answer = () => {
      throw lost();
    };
    const before = first.make();
    await before.open("p/ada");
    first.disk.set("b", { ...entry("b", 2), owner: "p/ada", refused: "" });
    first.disk.set("a", { ...entry("a", 1), owner: "p/ada", refused: "" });
    const second = world(first.disk);
    const after = second.make();
    await after.open("p/ada");
    await after.settled();
    expect(second.saved).toEqual(["a", "b"]);
    expect(first.disk.size).toBe(0);
  });

  it("of somebody else is not sent", async () => {
    const { make, disk, saved } = world(new Map([["a", { ...entry("a"), owner: "p/bo", refused: "" }]]));
    const outbox = make();
    await outbox.open("p/ada");
    await outbox.settled();
    expect([saved, disk.size]).toEqual([[], 1]);
  });

  it("that the server refuses is kept and shown, and holds up none behind it", async () => {
    const { make, told, disk, saved } = world();
    told.answer = (one) => {
      if (one.key === "a") throw new ApiError(409, "not_yours", "This case is no longer open for you.");
    };
    const outbox = make();
    await outbox.open("p/ada");
    await outbox.put(entry("a"));
    expect(await outbox.outcome("a")).toContain("no longer open");
    await outbox.put(entry("b"));
    await outbox.settled();
    expect([saved, outbox.state, disk.get("a")?.refused !== ""]).toEqual([["b"], "refused", true]);
    await outbox.drop("a");
    expect([outbox.state, disk.size]).toEqual(["saved", 0]);
  });

  it.each([[401, "login"], [403, "csrf"], [429, "slow"], [503, "store"], [507, "full"]])("waits where status %i (%s) may pass", async (status, code) => {
    const { make, told, saved } = world();
    let failures = 1;
    told.answer = () => {
      if (failures-- > 0) throw new ApiError(status, code, "later");
    };
    const outbox = make();
    await outbox.open("p/ada");
    await outbox.put(entry("a"));
    await outbox.settled();
    expect(saved).toEqual(["a"]);
  });
});
