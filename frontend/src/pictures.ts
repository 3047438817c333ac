// Pictures: pixels of the server as images of Cornerstone, at their full depth.

import { cache, imageLoader, metaData, type Types } from "@cornerstonejs/core";
import type { Pixels } from "./api";

const SCHEME = "foveal";

/** Where the pixels of an image come from, and how high one is over its width. */
interface Source {
  readonly fetch: () => Promise<Pixels>;
  readonly aspect: number;
  coming: Promise<Pixels> | null;
  size: { rows: number; columns: number; channels: number; bits: number; signed: boolean } | null;
}

const sources = new Map<string, Source>();

/** The name under which a picture is asked for; the same name is the same picture. */
export function picture(name: string, aspect: number, fetch: () => Promise<Pixels>): string {
  const id = `${SCHEME}:${name}`;
  if (!sources.has(id)) sources.set(id, { fetch, aspect, coming: null, size: null });
  return id;
}

/** Forget all pictures. */
export function forget(): void {
  cache.purgeCache();
  sources.clear();
}

/**
 * Load a picture; rejects with what the server said. Cornerstone is asked only when the pixels are
 * here, since it keeps to itself what went wrong and throws it where nobody can catch it.
 */
export async function loaded(id: string): Promise<void> {
  const source = sources.get(id);
  if (!source) throw new Error(`no picture ${id}`);
  if (!cache.getImageLoadObject(id)) {
    source.coming ??= source.fetch();
    await source.coming.catch((error: unknown) => {
      source.coming = null;
      throw error;
    });
  }
  await imageLoader.loadAndCacheImage(id);
  source.coming = null; // Cornerstone has them
}

/** Load a picture before it is needed; failures show when it is. */
export function prefetch(id: string): void {
  loaded(id).catch(() => undefined);
}

/** The window that shows all values of a difference, zero in its middle; null until it is loaded. */
export function differenceWindow(id: string): { center: number; width: number } | null {
  const image = cache.getImage(id);
  if (!image) return null;
  return { center: 0, width: Math.max(2 * Math.abs(image.minPixelValue), 2 * Math.abs(image.maxPixelValue), 1) };
}

/** Value of a pixel as the server sent it; several channels are given as a list. */
export function valueAt(id: string, column: number, row: number): number[] | null {
  const image = cache.getImage(id);
  if (!image || column < 0 || row < 0 || column >= image.columns || row >= image.rows) return null;
  const channels = image.numberOfComponents;
  const at = (row * image.columns + column) * channels;
  const data = image.getPixelData();
  return Array.from({ length: channels }, (_, i) => data[at + i] ?? 0);
}

export function register(): void {
  imageLoader.registerImageLoader(SCHEME, (id: string) => ({ promise: load(id) as Promise<Types.IImage & Record<string, unknown>> }));
  metaData.addProvider((type: string, id: unknown) => described(type, String(id)), 100);
}

async function load(id: string): Promise<Types.IImage> {
  const source = sources.get(id);
  if (!source) throw new Error(`no picture ${id}`);
  const { rows, columns, channels, data } = await (source.coming ?? source.fetch());
  const bits = data.BYTES_PER_ELEMENT * 8;
  source.size = { rows, columns, channels, bits, signed: data instanceof Int16Array };
  const [low, high] = ends(data);
  const color = channels > 1;
  const kind = data.constructor.name as Types.PixelDataTypedArrayString;
  const image = {
    imageId: id, minPixelValue: low, maxPixelValue: high, slope: 1, intercept: 0,
    windowCenter: (low + high) / 2, windowWidth: Math.max(high - low, 1), voiLUTFunction: "LINEAR",
    getPixelData: () => data, getCanvas: () => document.createElement("canvas"),
    rows, columns, height: rows, width: columns, color, rgba: false, numberOfComponents: channels,
    columnPixelSpacing: 1, rowPixelSpacing: source.aspect, invert: false, sizeInBytes: data.byteLength,
    photometricInterpretation: color ? "RGB" : "MONOCHROME2", dataType: kind,
  };
  return image as unknown as Types.IImage;
}

function ends(data: Pixels["data"]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** What Cornerstone asks of an image; one unit of its world is the width of a pixel. */
function described(type: string, id: string): unknown {
  const source = sources.get(id);
  if (!source?.size) return undefined;
  const { rows, columns, channels, bits, signed } = source.size;
  if (type === "imagePixelModule") {
    return {
      samplesPerPixel: channels, photometricInterpretation: channels > 1 ? "RGB" : "MONOCHROME2", rows, columns,
      bitsAllocated: bits, bitsStored: bits, highBit: bits - 1, pixelRepresentation: signed ? 1 : 0,
    };
  }
  if (type === "imagePlaneModule") {
    return {
      frameOfReferenceUID: SCHEME, rows, columns, imageOrientationPatient: [1, 0, 0, 0, 1, 0],
      rowCosines: [1, 0, 0], columnCosines: [0, 1, 0], imagePositionPatient: [0, 0, 0], sliceThickness: 1,
      pixelSpacing: [source.aspect, 1], rowPixelSpacing: source.aspect, columnPixelSpacing: 1,
    };
  }
  if (type === "generalSeriesModule") return { modality: "OT", seriesInstanceUID: SCHEME };
  return undefined;
}
