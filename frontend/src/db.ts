// Db: what this browser keeps, in IndexedDB: answers on their way and cases drawn by half.

import type { Entry, Shelf } from "./outbox";
import type { Point, Shape } from "./shapes";

const NAME = "foveal";
const VERSION = 1;
const KEPT_DAYS = 14;

/** A case drawn by half. */
export interface Draft {
  /** Project, reader and sample. */
  readonly id: string;
  readonly shapes: readonly Shape[];
  /** Of a polygon that is not closed. */
  readonly corners: readonly Point[];
  readonly label: string | null;
  readonly seconds: number;
  readonly at: number;
}

let opened: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, VERSION);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("outbox", { keyPath: "key" });
      asked.result.createObjectStore("drafts", { keyPath: "id" });
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error ?? new Error("this browser keeps nothing"));
  });
  return opened;
}

/**
 * One transaction; resolves when it is complete. It is committed at once, since one that is still
 * open when a page is left is given up.
 */
async function within<T>(store: string, mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await database();
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(store, mode, { durability: "strict" });
    const request = work(transaction.objectStore(store));
    transaction.commit();
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error ?? new Error("this browser could not keep it"));
  });
}

export const shelf: Shelf = {
  all: () => within("outbox", "readonly", (store) => store.getAll() as IDBRequest<Entry[]>),
  put: async (entry) => void (await within("outbox", "readwrite", (store) => store.put(entry))),
  remove: async (key) => void (await within("outbox", "readwrite", (store) => store.delete(key))),
};

export const drafts = {
  get: (id: string): Promise<Draft | undefined> =>
    within("drafts", "readonly", (store) => store.get(id) as IDBRequest<Draft | undefined>),
  put: async (draft: Draft): Promise<void> => void (await within("drafts", "readwrite", (store) => store.put(draft))),
  remove: async (id: string): Promise<void> => void (await within("drafts", "readwrite", (store) => store.delete(id))),

  /** Drafts of cases that nobody came back to for two weeks are given up. */
  async tidy(now: number): Promise<void> {
    const all = await within("drafts", "readonly", (store) => store.getAll() as IDBRequest<Draft[]>);
    for (const draft of all) if (now - draft.at > KEPT_DAYS * 86_400_000) await drafts.remove(draft.id);
  },
};
