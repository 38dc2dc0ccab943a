import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { age, arrange, freeze, lane_of, neighbour, next_step, passes, type Filter } from '../src/core/queue'
import type { Alarm } from '../src/core/types'
import { alarm, me, other } from './make'

const claimed = (id: string, by = me, more: Partial<Alarm> = {}) =>
  alarm(id, { handling: 'claimed', claimed_by: by, ...more })

test('unclaimed criticals stand on top, then mine, then others', () => {
  const placed = arrange(
    [claimed('x', other), claimed('m'), alarm('late', { raised_at_ms: 9 }), alarm('early')],
    me.id,
    'all',
  )

  expect(placed).toEqual([
    { id: 'early', lane: 'pinned' },
    { id: 'late', lane: 'pinned' },
    { id: 'm', lane: 'mine' },
    { id: 'x', lane: 'others' },
  ])
})

test('an unclaimed technical alarm waits among the others, before claimed ones of its severity', () => {
  const technical = alarm('t', { kind: 'technical', severity: 'high' })
  const placed = arrange([claimed('x', other, { severity: 'high' }), technical], me.id, 'all')

  expect(placed.map((row) => row.id)).toEqual(['t', 'x'])
})

test('closed alarms are not in the queue', () => {
  expect(arrange([alarm('a', { handling: 'closed' })], me.id, 'all')).toEqual([])
})

const any_alarm = fc.record({
  id: fc.string({ minLength: 1, maxLength: 6 }),
  severity: fc.constantFrom('critical', 'high', 'medium', 'low'),
  handling: fc.constantFrom('unclaimed', 'claimed', 'offered', 'reported', 'closed'),
  owner: fc.constantFrom(me, other),
  raised: fc.nat(1000),
})
const any_queue = fc.uniqueArray(any_alarm, { selector: (a) => a.id }).map((all) =>
  all.map((a) =>
    alarm(a.id, {
      severity: a.severity as Alarm['severity'],
      handling: a.handling as Alarm['handling'],
      claimed_by: a.handling === 'unclaimed' ? null : a.owner,
      raised_at_ms: a.raised,
    }),
  ),
)

test('no filter ever hides an unclaimed critical', () => {
  fc.assert(
    fc.property(any_queue, fc.constantFrom<Filter>('all', 'mine', 'unclaimed'), (alarms, filter) => {
      const shown = new Set(arrange(alarms, me.id, filter).map((row) => row.id))
      for (const one of alarms) if (lane_of(one, me.id) === 'pinned') expect(shown.has(one.id)).toBe(true)
    }),
  )
})

test('while frozen no row that is shown moves up, down or away, and every new critical is shown', () => {
  fc.assert(
    fc.property(any_queue, any_queue, (before, after) => {
      const shown = arrange(before, me.id, 'all')
      const due = arrange(after, me.id, 'all')
      const { placed, held } = freeze(shown, due)

      const ids = placed.map((row) => row.id)
      expect(ids.filter((id) => shown.some((row) => row.id === id))).toEqual(shown.map((row) => row.id))
      for (const row of due) {
        expect(ids.includes(row.id) || held.includes(row.id)).toBe(true)
        if (row.lane === 'pinned') expect(ids).toContain(row.id)
      }
    }),
  )
})

test('the filter "mine" shows only mine, and what is critical', () => {
  expect(passes(claimed('x', other), 'mine', me.id)).toBe(false)
  expect(passes(claimed('m'), 'mine', me.id)).toBe(true)
  expect(passes(alarm('a'), 'mine', me.id)).toBe(true)
})

test('J and K walk the list and stop at its ends', () => {
  const placed = [alarm('a'), alarm('b')].map(({ id }) => ({ id, lane: 'pinned' as const }))

  expect(neighbour(placed, null, 1)).toBe('a')
  expect(neighbour(placed, 'a', 1)).toBe('b')
  expect(neighbour(placed, 'b', 1)).toBe('b')
  expect(neighbour(placed, 'a', -1)).toBe('a')
  expect(neighbour([], null, 1)).toBeNull()
})

describe('the clock of a row', () => {
  test('is plain, outlined at three quarters, filled at the target', () => {
    expect(age(alarm('a'), 22_000).look).toBe('plain')
    expect(age(alarm('a'), 22_500)).toMatchObject({ look: 'warn', text: '00:22', left_s: 8 })
    expect(age(alarm('a'), 30_000)).toMatchObject({ look: 'over', left_s: 0 })
  })

  test('counts against the stage it is in', () => {
    expect(age(claimed('a'), 60_000)).toMatchObject({ stage: 'dispatch', look: 'plain', target_s: 90 })
    expect(age(claimed('a', me, { handling: 'accepted' }), 60_000)).toMatchObject({ stage: 'arrive', target_s: 900 })
    expect(age(claimed('a', me, { handling: 'arrived' }), 60_000).look).toBe('done')
  })
})

test('an alarm that nobody has waits to be claimed, even when a station was asked already', () => {
  const offered = alarm('a', { handling: 'offered' })

  expect(lane_of(offered, me.id)).toBe('pinned')
  expect(next_step(offered, me.id)).toBe('claim')
  expect(age(offered, 1_000).stage).toBe('claim')
})

test('the next step moves through the case', () => {
  const by_me = (handling: Alarm['handling']) => next_step(claimed('a', me, { handling }), me.id)

  expect(next_step(alarm('a'), me.id)).toBe('claim')
  expect(by_me('claimed')).toBe('dispatch')
  expect(by_me('offered')).toBe('follow')
  expect(by_me('arrived')).toBe('follow')
  expect(by_me('reported')).toBe('close')
  expect(next_step(claimed('a', other), me.id)).toBe('view')
  expect(next_step(claimed('t', me, { kind: 'technical' }), me.id)).toBe('close')
  expect(next_step(claimed('g', me, { kind: 'gateway' }), me.id)).toBe('close')
  expect(next_step(claimed('f', me, { kind: 'fall' }), me.id)).toBe('dispatch')
})
