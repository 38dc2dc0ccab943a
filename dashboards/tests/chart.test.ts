import { expect, test } from 'vitest'
import { extremes, gaps, held, middles, newest, runs } from '../src/core/chart'

test('a bucket is drawn at its middle', () => {
  expect(middles({ from_ms: 0, width_ms: 2000 }, 3)).toEqual([1, 3, 5])
})

test('gaps are runs of silence, also at both ends', () => {
  expect(gaps([null, 1, null, null, 2, null])).toEqual([
    { from: 0, to: 0 },
    { from: 2, to: 3 },
    { from: 5, to: 5 },
  ])
  expect(gaps([null, 1, null, null], 2)).toEqual([{ from: 2, to: 3 }])
  expect(gaps([])).toEqual([])
})

test('a state holds until the next word, but not for ever', () => {
  const last = [null, 1, null, null, null, 0, null]

  expect(held({ last, high: last }, 2)).toEqual([null, 1, 1, 1, null, 0, 0])
})

test('a door that was open for a moment is seen, and closed afterwards', () => {
  expect(held({ last: [0, null], high: [1, null] }, 9)).toEqual([1, 0])
})

test('the newest value is the last one that is none', () => {
  expect(newest([1, 0, null])).toEqual({ value: 0, at: 1 })
  expect(newest([null])).toBeNull()
})

test('extremes are of what was heard', () => {
  expect(extremes({ low: [3, null, 1], high: [4, null, 9] })).toEqual({ low: 1, high: 9 })
  expect(extremes({ low: [null], high: [null] })).toBeNull()
})

test('a table of a state has a line for each change and for each silence', () => {
  expect(runs([0, 0, null, 1])).toEqual([
    { from: 0, to: 1, value: 0 },
    { from: 2, to: 2, value: null },
    { from: 3, to: 3, value: 1 },
  ])
})
