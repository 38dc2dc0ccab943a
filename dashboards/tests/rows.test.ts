import { expect, test } from 'vitest'
import * as rows from '../src/core/rows'
import { alarm, del, put, row } from './make'

test('an older revision never replaces a newer one', () => {
  const tables = rows.apply(rows.replace([row('a', 5)]), [put('a', 4)])

  expect(tables.alarms.get('a')?.rev).toBe(5)
})

test('the answer to a command and the feed end in the newer of both', () => {
  const answered = rows.put(rows.replace([row('a', 1)]), 'alarms', alarm('a', { rev: 3 }))

  expect(rows.apply(answered, [put('a', 2)]).alarms.get('a')?.rev).toBe(3)
  expect(rows.apply(answered, [put('a', 4)]).alarms.get('a')?.rev).toBe(4)
})

test('what a snapshot does not hold is gone', () => {
  expect([...rows.replace([row('b')]).alarms.keys()]).toEqual(['b'])
})

test('tables already shown do not change under the page', () => {
  const shown = rows.replace([row('a')])
  const next = rows.apply(shown, [del('a'), put('b')])

  expect([...shown.alarms.keys()]).toEqual(['a'])
  expect([...next.alarms.keys()]).toEqual(['b'])
  expect(next.offers).toBe(shown.offers)
})

test('a collection that this build does not know is passed over', () => {
  const op = { op: 'put', coll: 'weather', id: 'x', rev: 1, v: {} }

  expect(() => rows.apply(rows.empty(), [op as never])).not.toThrow()
})
