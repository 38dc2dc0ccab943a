import { expect, test } from 'vitest'
import { current, map_link, screen_of, seen, type JobStep } from '../src/core/job'
import type { Offer } from '../src/core/types'

const me = { responder_id: 're-1', station_id: 'st-1' }
const person = { id: 're-1', name: 'Chen', name_en: 'Chen' }
const offer = (id: string, more: Partial<Offer> = {}): Offer =>
  ({ id, state: 'offered', rev: 1, station: { id: 'st-1' }, responder: null, expires_at_ms: 60_000, ...more }) as Offer
const step = (offer_id: string, what: JobStep['step']): JobStep => ({ offer_id, step: what, body: {} })

test('an open offer of my station fills the screen', () => {
  const found = current([offer('a')], me, [], 0)

  expect(found?.id).toBe('a')
  expect(screen_of(found)).toBe('take')
})

test('offers of another station or another person are not mine', () => {
  const elsewhere = offer('a', { station: { id: 'st-2', name: '', name_en: '' } })
  const somebody = offer('b', { responder: { ...person, id: 're-2' } })

  expect(current([elsewhere, somebody], me, [], 0)).toBeNull()
})

test('an offer that has run out is no longer shown', () => {
  expect(current([offer('a')], me, [], 60_000)).toBeNull()
})

test('the job in hand comes before a new offer', () => {
  const job = offer('job', { state: 'departed', responder: person })

  expect(current([offer('new', { expires_at_ms: 10 }), job], me, [], 0)?.id).toBe('job')
})

test('my own steps count before the server has answered, acceptance does not', () => {
  const job = offer('a', { state: 'accepted', responder: person })

  expect(screen_of(seen(job, [step('a', 'depart')]))).toBe('way')
  expect(screen_of(seen(job, [step('a', 'depart'), step('a', 'arrive')]))).toBe('report')
  expect(screen_of(seen(job, [step('a', 'report')]))).toBe('waiting')
  expect(seen(offer('a'), [step('a', 'accept')]).state).toBe('offered')
  expect(seen(job, [step('b', 'arrive')]).state).toBe('accepted')
})

test('the map link says which datum it speaks', () => {
  const link = new URL(map_link({ lat: 22.6936, lon: 114.3462 }, 'Block 3'))

  expect(link.searchParams.get('coordinate')).toBe('wgs84')
  expect(link.searchParams.get('position')).toBe('114.346200,22.693600')
})
