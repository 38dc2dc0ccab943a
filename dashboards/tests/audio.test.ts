import { expect, test } from 'vitest'
import { MUTE_MAX_MS, mute, ring, SILENT, what_rings, type Bell } from '../src/core/audio'
import { alarm, me } from './make'

test('the most severe unclaimed alarm rings, a claimed one does not', () => {
  expect(what_rings([alarm('a', { severity: 'high' }), alarm('b')])).toBe('critical')
  expect(what_rings([alarm('a', { handling: 'claimed', claimed_by: me })])).toBeNull()
  expect(what_rings([alarm('a', { severity: 'low' })])).toBeNull()
})

test('it rings at once, then every 10 s until it is claimed', () => {
  const rang: number[] = []
  let bell: Bell = SILENT
  for (let now = 1_000; now < 32_000; now += 250) {
    const [next, tone] = ring(bell, now < 25_000 ? 'critical' : null, false, now)
    bell = next
    if (tone !== null) rang.push(now)
  }

  expect(rang).toEqual([1_000, 11_000, 21_000])
})

test('another alarm rings at once, without waiting for the ten seconds', () => {
  const [bell] = ring(SILENT, 'critical', true, 1_000)

  expect(ring(bell, 'critical', true, 2_000)[1]).toBe('critical')
})

test('mute lasts a minute at the most and can be taken back', () => {
  const muted = mute(SILENT, 5_000)

  expect(ring(muted, 'critical', true, 5_000 + MUTE_MAX_MS - 1)[1]).toBeNull()
  expect(ring(muted, 'critical', false, 5_000 + MUTE_MAX_MS)[1]).toBe('critical')
  expect(ring(mute(muted, 6_000), 'critical', false, 6_000)[1]).toBe('critical')
})
