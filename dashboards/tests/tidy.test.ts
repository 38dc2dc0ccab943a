// How the pages' own code reads: sizes, and no colour outside the design's tokens.

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'

const SRC = join(import.meta.dirname, '..', 'src')
const LINES_MAX = 200
const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(svelte|ts|css)$/.test(path))
  .map((path) => ({ path, text: readFileSync(join(SRC, path), 'utf8') }))

test('no component is longer than 200 lines', () => {
  const long = sources.filter(({ path, text }) => path.endsWith('.svelte') && text.split('\n').length > LINES_MAX + 1)

  expect(long.map(({ path }) => path)).toEqual([])
})

test('colours come from the tokens', () => {
  // the floor plan is a picture; its wood and walls are no part of the language
  const own = sources.filter(({ path }) => !path.endsWith('.ts') && !path.startsWith('design') && !path.endsWith('FloorPlan.svelte'))
  const literal = /(?<![&\w])#[0-9a-f]{3,8}\b|\brgba?\(/i

  expect(own.filter(({ text }) => literal.test(text)).map(({ path }) => path)).toEqual([])
})

test('the core knows neither Svelte nor a page', () => {
  const core = sources.filter(({ path }) => path.startsWith('core'))
  const outside = core.filter(({ text }) => /from '(svelte|\.\.\/(\.\.\/)?(ui|pages))/.test(text))

  expect(outside.map(({ path }) => relative('core', path))).toEqual([])
})

test('nothing carries a style attribute that the content security policy would block', () => {
  const found = sources.filter(({ path, text }) => path.endsWith('.svelte') && /\sstyle="/.test(text))

  expect(found.map(({ path }) => path)).toEqual([])
})
