import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// In development the console talks to the mock (npm run mock) or, with
// VAULTPAM_API=https://127.0.0.1:8443, to a real server. The browser only ever
// sees our own origin, as in production.
const api = process.env.VAULTPAM_API ?? "http://127.0.0.1:8899";

// xterm takes a stand-in for `document` (see csp-document.ts) but forgets it in
// two places: the renderer's rows and the scroll bar. Without this its styles
// would break style-src 'self'. The version is pinned; a new one that reads
// differently stops the build here.
const forgotten = [
  { file: /@xterm[\\/]xterm[\\/]lib[\\/]xterm\.mjs/, from: "createInstance(Vt,document)", to: "createInstance(Vt,this._document)" },
  { file: /@xterm[\\/]xterm[\\/]lib[\\/]xterm\.mjs/, from: 'this._document??typeof window<"u"?window.document:null', to: "this._document" },
];

function xtermUnderPolicy(): Plugin {
  return {
    name: "xterm-under-policy",
    apply: "build",
    transform(code, id) {
      let out = code;
      for (const f of forgotten.filter((x) => x.file.test(id))) {
        if (out.split(f.from).length !== 2) throw new Error(`xterm changed: "${f.from}" is not in it exactly once. Look whether it still needs the patch in vite.config.ts.`);
        out = out.replace(f.from, f.to);
      }
      return out === code ? null : { code: out, map: null };
    },
  };
}

export default defineConfig({
  plugins: [react(), xtermUnderPolicy()],
  build: {
    target: "es2022",
    // These know light-dark(); lowered for older ones, a dark bar on a light page would lose its colours.
    cssTarget: ["chrome123", "firefox121", "safari17.5"],
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
