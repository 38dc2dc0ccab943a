// One HTML entry a page; the result goes into the cloud's package, which serves it from one origin.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'

/** A running demo, for `npm run dev`. */
const server = process.env['ANJU_URL'] ?? 'http://127.0.0.1:8000'
const pages = ['login', 'console', 'station', 'home', 'resident', 'admin']

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: '../cloud/static',
    emptyOutDir: true,
    // The content security policy allows neither data: addresses nor inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    rollupOptions: { input: Object.fromEntries(pages.map((page) => [page, `${page}.html`])) },
  },
  server: {
    proxy: {
      '/api': { target: server, changeOrigin: false },
      '/sim': { target: server, ws: true },
      '/feed': { target: server, ws: true },
      '/health': { target: server },
    },
  },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
})
