// A server with a log, a client that may not see all of it, and a wire that drops, repeats, cuts and freezes.
// Whenever the client says it is live and has heard the last beat, what it shows is what the server has.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { initial, step, type Effect, type Input, type LiveState } from '../src/core/live'
import * as rows from '../src/core/rows'
import type { ClientMessage, Op, Row, ServerMessage } from '../src/core/types'
import { alarm } from './make'

interface Entry {
  seq: number
  ops: Op[]
  is_hidden: boolean
}

class Server {
  epoch = 1
  log: Entry[] = []
  table = new Map<string, Row>()
  seq = 0
  /** What the one client has been sent, and up to which number. */
  told = 0
  outbox: ServerMessage[] = []

  write(id: string, is_hidden: boolean, is_delete: boolean): void {
    this.seq += 1
    const rev = this.seq
    const value: Row = { coll: 'alarms', id, rev, v: alarm(id, { rev }) }
    const op: Op = is_delete ? { op: 'del', coll: 'alarms', id, rev } : { op: 'put', ...value }
    if (!is_hidden) {
      if (is_delete) this.table.delete(id)
      else this.table.set(id, value)
    }
    this.log.push({ seq: this.seq, ops: [op], is_hidden })
  }

  /** The log is reset: an older state comes back under a new epoch. */
  reset(): void {
    this.epoch += 1
    this.seq = 0
    this.log = []
    this.told = 0
  }

  connect(): void {
    this.outbox = []
  }

  hear(message: ClientMessage): void {
    if (message.t === 'hello') {
      const { seq } = this
      this.outbox.push({ t: 'welcome', epoch: `e${this.epoch}`, seq, beat_s: 2, server_time_ms: 0, build: 'b' })
    }
    if (message.t !== 'sub') return
    if (message.since !== undefined && message.epoch === `e${this.epoch}` && message.since <= this.seq) {
      this.told = message.since
      this.outbox.push({ t: 'resume', from: message.since, to: this.seq })
      this.flush()
    } else {
      this.told = this.seq
      this.outbox.push({ t: 'snapshot', seq: this.seq, rows: [...this.table.values()] })
    }
  }

  flush(): void {
    let skip_to: number | null = null
    for (const entry of this.log.filter((e) => e.seq > this.told)) {
      if (entry.is_hidden) skip_to = entry.seq
      else {
        this.outbox.push({ t: 'delta', seq: entry.seq, skip_to, ops: entry.ops })
        skip_to = null
      }
    }
    this.told = this.seq
    this.outbox.push({ t: 'beat', seq: this.seq, skip_to, now_ms: 0 })
  }
}

class World {
  server = new Server()
  state: LiveState = initial(['alarms'])
  tables = rows.empty()
  is_open = false
  now = 0

  tell(input: Input): void {
    const [next, effects] = step(this.state, input, this.now)
    this.state = next
    effects.forEach((effect) => this.do(effect))
  }

  do(effect: Effect): void {
    if (effect.do === 'connect') {
      this.is_open = true
      this.server.connect()
      this.tell({ kind: 'opened' })
    } else if (effect.do === 'disconnect') this.is_open = false
    else if (effect.do === 'send' && this.is_open) this.server.hear(effect.message)
    else if (effect.do === 'replace') this.tables = rows.replace(effect.rows)
    else if (effect.do === 'apply') this.tables = rows.apply(this.tables, effect.ops)
  }

  deliver(is_dropped: boolean, is_doubled: boolean): void {
    const message = this.server.outbox.shift()
    if (message === undefined || !this.is_open || is_dropped) return
    this.tell({ kind: 'message', message })
    if (is_doubled) this.tell({ kind: 'message', message })
  }

  settle(): void {
    for (let i = 0; i < 60; i++) {
      this.now += 1_000
      this.tell({ kind: 'tick', random: 0.5 })
      if (this.is_open && this.server.outbox.length === 0) this.server.flush()
      while (this.server.outbox.length > 0) this.deliver(false, false)
    }
  }
}

const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), id: fc.constantFrom('a', 'b', 'c', 'd'), hidden: fc.boolean(), del: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('deliver' as const), drop: fc.boolean(), twice: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reset' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20_000 }) }) },
)

test('what the page shows ends up as what the server has, whatever the wire does', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const world = new World()
      world.tell({ kind: 'start' })
      for (const a of actions) {
        if (a.do === 'write') world.server.write(a.id, a.hidden, a.del)
        else if (a.do === 'deliver') world.deliver(a.drop, a.twice)
        else if (a.do === 'flush' && world.is_open) world.server.flush()
        else if (a.do === 'cut' || a.do === 'reset') {
          if (a.do === 'reset') world.server.reset()
          world.is_open = false
          world.tell({ kind: 'closed', code: 1006, random: 0.3 })
        } else if (a.do === 'wait') {
          world.now += a.ms
          world.tell({ kind: 'tick', random: 0.5 })
        }
      }

      world.settle()

      expect(world.state.phase).toBe('live')
      expect(world.state.last).toBe(world.server.seq)
      const shown = [...world.tables.alarms].map(([id, v]) => [id, v.rev]).sort()
      expect(shown).toEqual([...world.server.table].map(([id, r]) => [id, r.rev]).sort())
    }),
    { numRuns: 400 },
  )
})

test('no input makes the machine throw or lose its last number silently', () => {
  const message: fc.Arbitrary<ServerMessage> = fc.oneof(
    fc.record({ t: fc.constant('beat' as const), seq: fc.nat(30), skip_to: fc.option(fc.nat(30)), now_ms: fc.nat() }),
    fc.record({ t: fc.constant('delta' as const), seq: fc.nat(30), skip_to: fc.option(fc.nat(30)), ops: fc.constant<Op[]>([]) }),
    fc.record({ t: fc.constant('snapshot' as const), seq: fc.nat(30), rows: fc.constant<Row[]>([]) }),
    fc.record({ t: fc.constant('resume' as const), from: fc.nat(30), to: fc.nat(30) }),
    fc.constant<ServerMessage>({ t: 'welcome', epoch: 'e', seq: 1, beat_s: 2, server_time_ms: 0, build: 'b' }),
  )
  const input: fc.Arbitrary<Input> = fc.oneof(
    message.map((m): Input => ({ kind: 'message', message: m })),
    fc.constantFrom<Input>({ kind: 'start' }, { kind: 'opened' }, { kind: 'reconnect' }, { kind: 'stop' }),
    fc.constant<Input>({ kind: 'closed', code: 1006, random: 0.5 }),
    fc.constant<Input>({ kind: 'tick', random: 0.5 }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(input, fc.nat(8_000))), (inputs) => {
      let state = initial(['alarms'])
      let now = 0
      for (const [one, ms] of inputs) {
        const before = state
        now += ms
        ;[state] = step(state, one, now)
        if (state.phase === 'live' && before.phase === 'live' && state.last !== null && before.last !== null)
          expect(state.last).toBeGreaterThanOrEqual(before.last)
      }
    }),
  )
})
