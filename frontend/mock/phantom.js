// Phantom: 16-bit pictures with a bright lesion, made from a case's number alone.

const SIZES = { single: [160, 128], volume: [128, 128], pair: [144, 144] };

export function facts(number) {
  const kind = ["single", "volume", "pair"][number % 3];
  const [width, height] = SIZES[kind];
  return {
    kind, width, height, slices: kind === "volume" ? 20 : 1, key_slice: kind === "volume" ? 11 : 0,
    pair: kind === "pair", color: false, window: { center: 1100, width: 1800 }, spacing_mm: [1, 1],
  };
}

function noise(seed) {
  let state = (seed * 2654435761 + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The middle and radius of the lesion of a case, in pixels. */
export function lesion(number) {
  const { width, height } = facts(number);
  const random = noise(number + 77);
  return { x: width * (0.35 + 0.3 * random()), y: height * (0.35 + 0.3 * random()), r: 8 + 8 * random() };
}

/** Little-endian 16-bit pixels of one slice. */
export function pixels(number, slice, which) {
  const { width, height, key_slice } = facts(number);
  const { x, y, r } = lesion(number);
  const random = noise(number * 100 + slice);
  const out = new Int16Array(width * height);
  const shrunk = Math.max(r - Math.abs(slice - key_slice) * 1.6, 0) * (which === "prior" ? 0.6 : 1);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const [u, v] = [(column + 0.5) / width - 0.5, (row + 0.5) / height - 0.5];
      const body = u * u / 0.2 + v * v / 0.22 < 1 ? 900 + 300 * Math.cos(6 * u) * Math.cos(5 * v) : 60;
      const inside = Math.hypot(column + 0.5 - x, row + 0.5 - y) < shrunk ? 550 : 0;
      const value = which === "difference" ? inside * 1.2 + 600 : body + inside;
      out[row * width + column] = Math.round(value + 90 * (random() - 0.5));
    }
  }
  return Buffer.from(out.buffer);
}
