import { describe, expect, test } from 'vitest'
import { address, certificate_state, device_form, fresh_id, place, tree, type Area, type Gateway } from '../src/core/office'
import { fault_of, kept_devices, names_of } from '../src/pages/admin/enrol'

const DAY_MS = 86_400_000
const NOW = 1_800_000_000_000
const gateway = (certificate: Partial<NonNullable<Gateway['certificate']>> | null): Gateway => ({
  id: 'gw-a1b2',
  name: { zh: '', en: '' },
  area_id: 'a',
  code_until_ms: null,
  heard_ms: null,
  certificate:
    certificate === null
      ? null
      : { serial: '1', since_ms: 0, until_ms: NOW + 200 * DAY_MS, revoked_ms: null, reason: null, ...certificate },
})

test.each([
  [null, 'none'],
  [{}, 'good'],
  [{ until_ms: NOW + 29 * DAY_MS }, 'soon'],
  [{ until_ms: NOW }, 'expired'],
  [{ revoked_ms: 1 }, 'revoked'],
  [{ revoked_ms: 1, until_ms: NOW - 1 }, 'revoked'],
] as const)('a certificate %j is %s', (certificate, state) => {
  expect(certificate_state(gateway(certificate), NOW)).toBe(state)
})

test.each([
  ['22.66012, 114.33145', { lat: 22.66012, lon: 114.33145 }],
  ['22.66012，114.33145', { lat: 22.66012, lon: 114.33145 }],
  ['22.7 114.3', { lat: 22.7, lon: 114.3 }],
  ['114.33145, 22.66012', null], // the wrong way round would send somebody to Antarctica
  ['22.66', null],
  ['', null],
])('a position is read from %j', (text, found) => {
  expect(place(text)).toEqual(found)
})

test.each([
  ['0x00124b0014a00101', '0x00124b0014a00101'],
  ['00:12:4B:00:14:A0:01:01', '0x00124b0014a00101'],
  ['00124B0014A00101', '0x00124b0014a00101'],
  ['0x124b', null],
  ['bathroom', null],
])('an address on a label, %j, is spelt as the bridge does', (text, found) => {
  expect(address(text)).toBe(found)
})

describe('devices of a home that is enrolled', () => {
  const row = { key: 'sos-bath', room: 'bathroom', at: '00124B0014A00101' } as const

  test('rows that were never begun are left out', () => {
    expect(kept_devices([row, { ...row, at: ' ' }])).toEqual([{ ...row, at: '0x00124b0014a00101' }])
  })

  test('a wrong address and one that stands there twice are found', () => {
    expect(fault_of([row])).toBeNull()
    expect(fault_of([row, { ...row, at: '12' }])).toBe('bad_at')
    expect(fault_of([row, { ...row, at: '0x00124b0014a00101' }])).toBe('twice')
  })

  test('a button is one that calls for help, with its names in both languages', () => {
    const form = device_form('ho-1', row.key, '0x00124b0014a00101', ...names_of(row))

    expect(form).toMatchObject({ uid: 'z2m:0x00124b0014a00101', topic: 'zigbee2mqtt/0x00124b0014a00101', is_sos: true })
    expect([form.name.en, form.room.en]).toEqual(['Bathroom button', 'Bathroom'])
  })
})

test('areas stand below what they belong to', () => {
  const area = (id: string, ...path: string[]): Area => ({ id, kind: 'community', name: { zh: '', en: '' }, path: [...path, id] })

  const shown = tree([area('c', 'a', 'b'), area('b', 'a'), area('d', 'a')])

  expect(shown.map(({ id, depth }) => [id, depth])).toEqual([
    ['b', 0],
    ['c', 1],
    ['d', 0],
  ])
})

test('an id is one that the wire takes for a gateway', () => {
  expect(fresh_id('gw-')).toMatch(/^gw-[0-9a-z]{4,16}$/)
})
