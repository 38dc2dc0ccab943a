// What the feed told, by collection. A row never goes back to an older revision, whichever way it came.

import type { Collection, Collections, Op, Row } from './types'

export type Tables = { [C in Collection]: ReadonlyMap<string, Collections[C]> }

export function empty(): Tables {
  return { alarms: new Map(), offers: new Map(), units: new Map() }
}

/** Everything afresh: what the snapshot does not hold is gone. */
export function replace(rows: readonly Row[]): Tables {
  const tables = empty()
  for (const row of rows) (tables[row.coll] as Map<string, unknown>)?.set(row.id, row.v)
  return tables
}

/** One transaction's changes, all or nothing visible. */
export function apply(tables: Tables, ops: readonly Op[]): Tables {
  const next: Tables = { ...tables }
  const copied = new Set<Collection>()
  for (const op of ops) {
    if (!(op.coll in next)) continue // a collection of a later build
    const known = next[op.coll].get(op.id)
    if (known !== undefined && known.rev > op.rev) continue
    if (!copied.has(op.coll)) {
      ;(next[op.coll] as unknown) = new Map<string, unknown>(next[op.coll])
      copied.add(op.coll)
    }
    const table = next[op.coll] as Map<string, unknown>
    if (op.op === 'del') table.delete(op.id)
    else table.set(op.id, op.v)
  }
  return next
}

/** A row that came as the answer to a command. */
export function put<C extends Collection>(tables: Tables, coll: C, value: Collections[C]): Tables {
  return apply(tables, [{ op: 'put', coll, id: value.id, rev: value.rev, v: value } as Op])
}
