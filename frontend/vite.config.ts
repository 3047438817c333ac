import { defineConfig } from "vite";

// The page is served by Foveal from its own address, with every file beside it.
export default defineConfig({
  base: "./",
  build: {
    outDir: process.env["FOVEAL_STATIC"] ?? "../src/foveal/annotate/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 5000,
    modulePreload: false,
    target: "es2022",
  },
  server: { proxy: { "/api": "http://127.0.0.1:8766" } },
  test: { include: ["tests/**/*.test.ts"] },
} as Parameters<typeof defineConfig>[0]);
