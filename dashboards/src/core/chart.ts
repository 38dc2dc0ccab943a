// Buckets of readings as a chart and its table show them. A gap is never bridged. Pure.

import type { Readings, Trace } from './types'

export type Values = readonly (number | null)[]

/** A run of buckets, both ends of it. */
export interface Run {
  from: number
  to: number
}

/** The middles of the buckets, in seconds, as uPlot takes them. */
export function middles(told: Pick<Readings, 'from_ms' | 'width_ms'>, count: number): number[] {
  return Array.from({ length: count }, (_, n) => (told.from_ms + (n + 0.5) * told.width_ms) / 1000)
}

/** Runs of at least `least` buckets in which nothing was heard. */
export function gaps(values: Values, least = 1): Run[] {
  const found: Run[] = []
  let from: number | null = null
  for (let n = 0; n <= values.length; n++) {
    const is_silent = n < values.length && values[n] === null
    if (is_silent) from ??= n
    else if (from !== null) {
      if (n - from >= least) found.push({ from, to: n - 1 })
      from = null
    }
  }
  return found
}

/**
 * A state over time: the last value holds until the next, but for `hold` buckets at most. In a bucket with several
 * values the higher one stands, so that a door that was open for a moment is seen.
 */
export function held(trace: Pick<Trace, 'high' | 'last'>, hold: number): (number | null)[] {
  let value: number | null = null
  let silent = 0
  return trace.last.map((last, n) => {
    if (last !== null) {
      value = last
      silent = 0
      return trace.high[n] ?? last
    }
    silent += 1
    return silent <= hold ? value : null
  })
}

/** The newest value and the bucket that it is of. */
export function newest(values: Values): { value: number; at: number } | null {
  for (let n = values.length - 1; n >= 0; n--) {
    const value = values[n]
    if (value != null) return { value, at: n }
  }
  return null
}

export function extremes(trace: Pick<Trace, 'low' | 'high'>): { low: number; high: number } | null {
  const lows = trace.low.filter((value) => value !== null)
  const highs = trace.high.filter((value) => value !== null)
  return lows.length === 0 ? null : { low: Math.min(...lows), high: Math.max(...highs) }
}

/** Runs of one value; null: nothing was heard. For the table of a state. */
export function runs(values: Values): (Run & { value: number | null })[] {
  const found: (Run & { value: number | null })[] = []
  values.forEach((value, n) => {
    const before = found.at(-1)
    if (before !== undefined && before.value === value) before.to = n
    else found.push({ from: n, to: n, value })
  })
  return found
}
