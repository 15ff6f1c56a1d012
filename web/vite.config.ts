import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// In development the console talks to the mock (npm run mock) or, with
// VAULTPAM_API=https://127.0.0.1:8443, to a real server. The browser only ever
// sees our own origin, as in production.
const api = process.env.VAULTPAM_API ?? "http://127.0.0.1:8899";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    // Nothing is inlined: the policy allows no data: script or style, and
    // hashed files are cached for ever.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: {
      "/api": { target: api, changeOrigin: false, secure: false, ws: true },
    },
  },
});
