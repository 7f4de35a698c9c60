/** How the dashboard is built, to where the server looks for it, and served while it is worked on. */
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { type Plugin, defineConfig } from 'vite';

/** The server that the development server passes questions on to. */
const SERVER = process.env['SERVER'] ?? 'http://127.0.0.1:4000';

/** Beside each file what a browser is sent of it, so that the server need not compress it again and again. */
const compressed: Plugin = {
  name: 'compressed',
  apply: 'build',
  enforce: 'post',
  generateBundle(_options, bundle) {
    for (const [fileName, file] of Object.entries(bundle)) {
      if (!fileName.startsWith('assets/')) continue;
      const source = gzipSync(file.type === 'chunk' ? file.code : file.source, { level: 9 });
      this.emitFile({ type: 'asset', fileName: `${fileName}.gz`, source });
    }
  },
};

export default defineConfig({
  plugins: [react(), compressed],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // Nothing is inlined: the policy of the engine's server/dashboard.ts allows no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What counts is what travels; a test weighs it.
    chunkSizeWarningLimit: 1_000,
  },
  server: {
    proxy: {
      '/graphql': {
        target: SERVER,
        ws: true,
        // The server answers to its own name, and to pages of its own origin.
        changeOrigin: true,
        headers: { origin: SERVER },
      },
    },
  },
});
