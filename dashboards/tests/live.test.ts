import { describe, expect, test } from 'vitest'
import { backoff_ms, initial, link, step, type Effect, type Input, type LiveState } from '../src/core/live'
import type { ServerMessage } from '../src/core/types'
import { put, row } from './make'

/** Plays inputs in order and keeps what was to be done. */
class Play {
  state: LiveState = initial(['alarms', 'offers'])
  done: Effect[] = []
  now = 1_000

  tell(input: Input): this {
    const [next, effects] = step(this.state, input, this.now)
    this.state = next
    this.done.push(...effects)
    return this
  }
  hear(message: ServerMessage): this {
    return this.tell({ kind: 'message', message })
  }
  later(ms: number): this {
    this.now += ms
    return this
  }
  tick(): this {
    return this.tell({ kind: 'tick', random: 0 })
  }
  connected(epoch = 'e1'): this {
    this.tell({ kind: 'start' }).tell({ kind: 'opened' })
    return this.hear({ t: 'welcome', epoch, seq: 9, beat_s: 2, server_time_ms: 50_000, build: 'b1' })
  }
  live(seq = 10): this {
    return this.connected().hear({ t: 'snapshot', seq, rows: [row('a')] })
  }
  sent(t: string): Extract<Effect, { do: 'send' }>['message'][] {
    return this.done.flatMap((e) => (e.do === 'send' && e.message.t === t ? [e.message] : []))
  }
  did(what: Effect['do']): number {
    return this.done.filter((e) => e.do === what).length
  }
}

const beat = (seq: number, skip_to?: number): ServerMessage =>
  skip_to === undefined ? { t: 'beat', seq, now_ms: 0 } : { t: 'beat', seq, skip_to, now_ms: 0 }

describe('starting', () => {
  test('the first subscription asks for everything', () => {
    const play = new Play().connected()

    expect(play.sent('hello')).toHaveLength(1)
    expect(play.sent('sub')).toEqual([{ t: 'sub', topics: ['alarms', 'offers'] }])
    expect(play.state.phase).toBe('syncing')
  })

  test('a snapshot makes it live and is acknowledged at once', () => {
    const play = new Play().live(10)

    expect(play.state).toMatchObject({ phase: 'live', last: 10, snapshots: 1 })
    expect(play.sent('ack')).toEqual([{ t: 'ack', seq: 10, visible: true, audio_ok: false }])
  })

  test('the welcome sets the clock', () => {
    expect(new Play().connected().done).toContainEqual({ do: 'clock', server_ms: 50_000 })
  })
})

describe('numbers', () => {
  test('the next number is applied', () => {
    const play = new Play().live(10).hear({ t: 'delta', seq: 11, ops: [put('b')] })

    expect(play.state.last).toBe(11)
    expect(play.did('apply')).toBe(1)
  })

  test('a missing number leads to a fresh snapshot', () => {
    const play = new Play().live(10).hear({ t: 'delta', seq: 12, ops: [put('b')] })

    expect(play.did('apply')).toBe(0)
    expect(play.state).toMatchObject({ phase: 'syncing', gaps: 1 })
    expect(play.sent('sub')[1]).toEqual({ t: 'sub', topics: ['alarms', 'offers'] })
  })

  test('a skip in a delta accounts for what this client may not see', () => {
    const play = new Play().live(10).hear({ t: 'delta', seq: 15, skip_to: 14, ops: [put('b')] })

    expect(play.state).toMatchObject({ phase: 'live', last: 15, gaps: 0 })
  })

  test('a skip that does not reach the number is a gap', () => {
    expect(new Play().live(10).hear({ t: 'delta', seq: 15, skip_to: 13, ops: [] }).state.gaps).toBe(1)
  })

  test('a number told twice changes nothing', () => {
    const play = new Play().live(10).hear({ t: 'delta', seq: 10, ops: [put('b')] })

    expect(play.did('apply')).toBe(0)
    expect(play.state.gaps).toBe(0)
  })

  test('a beat above the last number is a gap', () => {
    expect(new Play().live(10).hear(beat(11)).state).toMatchObject({ phase: 'syncing', gaps: 1 })
  })

  test('a beat with a skip moves the last number on', () => {
    expect(new Play().live(10).hear(beat(12, 12)).state).toMatchObject({ phase: 'live', last: 12, gaps: 0 })
  })

  test('deltas between gap and snapshot are not applied', () => {
    const play = new Play().live(10).hear(beat(12)).hear({ t: 'delta', seq: 13, ops: [put('b')] })
    expect(play.did('apply')).toBe(0)

    play.hear({ t: 'snapshot', seq: 13, rows: [row('b')] }).hear({ t: 'delta', seq: 14, ops: [put('c')] })

    expect(play.state).toMatchObject({ phase: 'live', last: 14, snapshots: 2 })
  })

  test('state without numbers is applied beside the numbers', () => {
    const play = new Play().live(10).hear({ t: 'state', ops: [put('b')] })

    expect(play.did('apply')).toBe(1)
    expect(play.state.last).toBe(10)
  })
})

describe('coming back', () => {
  const back = (play: Play, epoch = 'e1', build = 'b1') => {
    play.tell({ kind: 'closed', code: 1012, random: 0 }).later(400).tick().tell({ kind: 'opened' })
    return play.hear({ t: 'welcome', epoch, seq: 20, beat_s: 2, server_time_ms: 0, build })
  }

  test('it resumes from the last number of the same epoch', () => {
    const play = back(new Play().live(10))
    expect(play.sent('sub')[1]).toEqual({ t: 'sub', topics: ['alarms', 'offers'], epoch: 'e1', since: 10 })

    play.hear({ t: 'resume', from: 10, to: 12 })
    play.hear({ t: 'delta', seq: 11, ops: [] }).hear({ t: 'delta', seq: 12, ops: [] })

    expect(play.state).toMatchObject({ phase: 'live', last: 12, resumes: 1, snapshots: 1, gaps: 0 })
  })

  test('another epoch means a snapshot', () => {
    const play = back(new Play().live(10), 'e2')

    expect(play.sent('sub')[1]).toEqual({ t: 'sub', topics: ['alarms', 'offers'] })
  })

  test('a server that cannot resume may answer with a snapshot', () => {
    expect(back(new Play().live(10)).hear({ t: 'snapshot', seq: 30, rows: [] }).state.last).toBe(30)
  })

  test('a resume from elsewhere is a gap', () => {
    expect(back(new Play().live(10)).hear({ t: 'resume', from: 9, to: 12 }).state.gaps).toBe(1)
  })

  test('an error to the resume asks for everything, a second one waits', () => {
    const play = back(new Play().live(10)).hear({ t: 'error', code: 'too_old' })
    expect(play.sent('sub')).toHaveLength(3)

    play.hear({ t: 'error', code: 'server_error' })

    expect(play.state.phase).toBe('waiting')
  })

  test('a new build is offered, never forced', () => {
    expect(back(new Play().live(10), 'e1', 'b2').state.has_new_build).toBe(true)
  })

  test('signed out ends it', () => {
    const play = new Play().live().tell({ kind: 'closed', code: 4401, random: 0 }).later(60_000).tick()

    expect(play.state.phase).toBe('ended')
    expect(play.did('signed_out')).toBe(1)
    expect(play.did('connect')).toBe(1)
  })

  test('an overflow comes back with since', () => {
    const play = new Play().live(10).tell({ kind: 'closed', code: 4008, random: 0 }).later(400).tick()

    expect(play.did('connect')).toBe(2)
    expect(play.state.last).toBe(10)
  })
})

describe('silence', () => {
  test('after 5 s the data are stale, after 12 s offline', () => {
    const play = new Play().live()

    expect(link(play.state, play.now + 5_000).state).toBe('live')
    expect(link(play.state, play.now + 5_001).state).toBe('stale')
    expect(link(play.state, play.now + 12_001).state).toBe('offline')
  })

  test('a silent connection is closed after 12 s', () => {
    const play = new Play().live().later(12_000).tick()
    expect(play.did('disconnect')).toBe(0)

    play.later(1).tick()

    expect(play.did('disconnect')).toBe(1)
    expect(play.state.phase).toBe('waiting')
  })

  test('beats keep it alive', () => {
    const play = new Play().live(10)
    for (let i = 0; i < 10; i++) play.later(2_000).hear(beat(10)).tick()

    expect(play.did('disconnect')).toBe(0)
    expect(link(play.state, play.now).state).toBe('live')
  })

  test('beats without an answer to the subscription do not count as fresh data', () => {
    const play = new Play().live(10).hear(beat(11))
    for (let i = 0; i < 7; i++) play.later(2_000).hear(beat(11)).tick()

    expect(link(play.state, play.now).state).toBe('offline')
    expect(play.did('disconnect')).toBe(1)
  })

  test('an opening that hangs is given up', () => {
    expect(new Play().tell({ kind: 'start' }).later(12_001).tick().state.phase).toBe('waiting')
  })

  test('pauses grow, with jitter, between 0.3 and 15 s', () => {
    expect(backoff_ms(0, 0)).toBe(300)
    expect(backoff_ms(0, 0.999)).toBeLessThanOrEqual(600)
    expect(backoff_ms(50, 0)).toBe(300)
    expect(backoff_ms(50, 0.999)).toBeLessThanOrEqual(15_000)
    expect(backoff_ms(50, 0.999)).toBeGreaterThan(14_900)
  })

  test('reconnect now does not wait for the pause', () => {
    const play = new Play().live().tell({ kind: 'closed', code: 1006, random: 0.9 }).tell({ kind: 'reconnect' })

    expect(play.state.phase).toBe('opening')
  })
})

describe('acknowledgements', () => {
  test('every 5 s with number, sight and sound', () => {
    const play = new Play().live(10).tell({ kind: 'attention', visible: false, audio_ok: true })
    play.later(4_900).hear(beat(10)).tick().later(100).tick()

    expect(play.sent('ack').slice(1)).toEqual([
      { t: 'ack', seq: 10, visible: false, audio_ok: true },
      { t: 'ack', seq: 10, visible: false, audio_ok: true },
    ])
  })
})

test('messages of a later build are passed over', () => {
  const play = new Play().live(10).hear({ t: 'weather' } as unknown as ServerMessage)

  expect(play.state.phase).toBe('live')
})
