// Ahead: the picture that will probably be seen next is fetched while the present one is read.

import { api, type Pixels, type Which } from "./api";

export class Ahead {
  private sent = new Map<string, Pixels>();

  /** Fetch what will probably follow a case; what was fetched before is forgotten. */
  async look(id: string, which: readonly Which[]): Promise<void> {
    const sent = (this.sent = new Map<string, Pixels>());
    for (const one of which) {
      const found = await api.ahead(id, one).catch(() => null);
      if (!found) return; // then it is fetched when it is opened
      sent.set(`${found.sample}/${one}`, found.pixels);
    }
  }

  /** The picture of a sample, if it was the one that was guessed. */
  picture(sample: string, which: Which): Pixels | undefined {
    return this.sent.get(`${sample}/${which}`);
  }
}
