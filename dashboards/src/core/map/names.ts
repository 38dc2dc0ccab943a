// Names of places in vector tiles, where none lies on another.

import type { View } from './project'
import type { PlaceName } from './vector'

interface Named {
  zh: string
  en: string
  x: number
  y: number
  rank: number
}

/** Where they stand on the drawing. */
export function names_of(drawings: readonly { tile: View; names: readonly PlaceName[] }[]): Named[] {
  return drawings.flatMap(({ tile, names }) =>
    names.map((name) => ({ ...name, x: tile.x + name.x * tile.w, y: tile.y + name.y * tile.h })),
  )
}

/** The more important of two that would touch; `size`: of the letters, in units of the drawing. */
export function apart(
  names: readonly Named[],
  lang: 'zh' | 'en',
  size: number,
): { text: string; x: number; y: number }[] {
  const kept: { text: string; x: number; y: number; half: number }[] = []
  for (const name of [...names].sort((a, b) => a.rank - b.rank)) {
    const text = name[lang]
    const half = (size * Array.from(text).reduce((sum, letter) => sum + (letter > '\u2e7f' ? 1 : 0.55), 1)) / 2
    const touches = kept.some(
      (one) => Math.abs(one.x - name.x) < one.half + half && Math.abs(one.y - name.y) < size * 1.5,
    )
    if (!touches) kept.push({ text, x: name.x, y: name.y, half })
  }
  return kept
}
