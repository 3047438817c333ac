import { describe, expect, it } from "vitest";
import { packRuns, rasterize, type Shape } from "../src/shapes";
import cases from "./golden/shapes.json";

// The server reads the same file (tests/annotate/test_annotate_page.py): both must draw alike.
describe("the pixels of a shape", () => {
  it.each(cases.map((one, i) => [i, one] as const))("are those of the server, case %i", (_, one) => {
    expect(packRuns(rasterize(one.shape as unknown as Shape, one.width, one.height))).toEqual(one.runs);
  });
});
