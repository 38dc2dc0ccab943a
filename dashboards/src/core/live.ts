// The live feed's protocol as a pure machine: `step(state, input, now)` gives the next state and what to do.
// No socket, timer, clock or randomness here; feed.ts carries out the effects.

import type { ClientMessage, Op, Row, ServerMessage } from './types'

export const STALE_AFTER_MS = 5_000
export const OFFLINE_AFTER_MS = 12_000
export const ACK_EVERY_MS = 5_000
export const BACKOFF_MIN_MS = 300
export const BACKOFF_MAX_MS = 15_000

/** Close codes that mean: do not come back on your own. */
export const CLOSED_SIGNED_OUT = 4401
export const CLOSED_ORIGIN = 4403

/**
 * waiting: no socket, one is due at `retry_at_ms` · opening: socket not open yet · greeting: hello sent
 * syncing: sub sent, snapshot or resume awaited · live: every number up to `last` is accounted for
 * ended: signed out, refused or stopped; only `start` leaves it
 */
export type Phase = 'waiting' | 'opening' | 'greeting' | 'syncing' | 'live' | 'ended'

export interface LiveState {
  phase: Phase
  topics: readonly string[]
  epoch: string | null
  /** The last number accounted for, null before the first snapshot. */
  last: number | null
  /** When the server was last heard, over whatever frame. */
  heard_ms: number
  /** Until when the data shown are known to be true. Null before the first snapshot. */
  fresh_ms: number | null
  retry_at_ms: number
  attempts: number
  /** When hello or sub was sent, and whether sub asked to resume. */
  asked_ms: number
  asked_since: boolean
  acked_ms: number
  build: string | null
  has_new_build: boolean
  visible: boolean
  audio_ok: boolean
  /** Counted for the status page and tests. */
  gaps: number
  snapshots: number
  resumes: number
}

export type Input =
  | { kind: 'start' }
  | { kind: 'opened' }
  | { kind: 'message'; message: ServerMessage }
  | { kind: 'closed'; code: number; random: number }
  | { kind: 'tick'; random: number }
  | { kind: 'reconnect' }
  | { kind: 'attention'; visible: boolean; audio_ok: boolean }
  | { kind: 'stop' }

export type Effect =
  | { do: 'connect' }
  | { do: 'disconnect' }
  | { do: 'send'; message: ClientMessage }
  | { do: 'replace'; rows: Row[] }
  | { do: 'apply'; ops: Op[] }
  | { do: 'clock'; server_ms: number }
  | { do: 'signed_out' }
  | { do: 'refused' }

export type Step = [LiveState, Effect[]]

export function initial(topics: readonly string[]): LiveState {
  return {
    phase: 'ended',
    topics,
    epoch: null,
    last: null,
    heard_ms: 0,
    fresh_ms: null,
    retry_at_ms: 0,
    attempts: 0,
    asked_ms: 0,
    asked_since: false,
    acked_ms: 0,
    build: null,
    has_new_build: false,
    visible: true,
    audio_ok: false,
    gaps: 0,
    snapshots: 0,
    resumes: 0,
  }
}

export function step(state: LiveState, input: Input, now: number): Step {
  switch (input.kind) {
    case 'start':
      return state.phase === 'ended' ? connect(state, now) : [state, []]
    case 'opened':
      return opened(state, now)
    case 'message':
      return message(state, input.message, now)
    case 'closed':
      return closed(state, input.code, input.random, now)
    case 'tick':
      return tick(state, input.random, now)
    case 'reconnect':
      return reconnect(state, now)
    case 'attention':
      return attention(state, input.visible, input.audio_ok, now)
    case 'stop':
      return [{ ...state, phase: 'ended' }, [{ do: 'disconnect' }]]
  }
}

function connect(state: LiveState, now: number): Step {
  return [{ ...state, phase: 'opening', heard_ms: now }, [{ do: 'connect' }]]
}

function opened(state: LiveState, now: number): Step {
  if (state.phase !== 'opening') return [state, []]
  return [{ ...state, phase: 'greeting', heard_ms: now, asked_ms: now }, [send({ t: 'hello' })]]
}

function message(before: LiveState, msg: ServerMessage, now: number): Step {
  if (before.phase === 'waiting' || before.phase === 'opening' || before.phase === 'ended') return [before, []]
  const state = { ...before, heard_ms: now }
  switch (msg.t) {
    case 'welcome':
      return welcome(state, msg, now)
    case 'snapshot':
      return state.phase === 'syncing' ? snapshot(state, msg, now) : [state, []]
    case 'resume':
      return state.phase === 'syncing' ? resume(state, msg, now) : [state, []]
    case 'delta':
      return delta(state, msg, now)
    case 'beat':
      return beat(state, msg, now)
    case 'state':
      return [state, state.last === null ? [] : [{ do: 'apply', ops: msg.ops }]]
    case 'error':
      return state.phase === 'syncing' ? not_answered(state, now) : [state, []]
    default:
      return [state, []] // a kind of message of a later build
  }
}

function welcome(state: LiveState, msg: Extract<ServerMessage, { t: 'welcome' }>, now: number): Step {
  if (state.phase !== 'greeting') return [state, []]
  const same = state.epoch === msg.epoch && state.last !== null
  const next = {
    ...state,
    epoch: msg.epoch,
    build: state.build ?? msg.build,
    has_new_build: state.has_new_build || (state.build !== null && state.build !== msg.build),
  }
  const [after, effects] = subscribe(next, now, same)
  return [after, [{ do: 'clock', server_ms: msg.server_time_ms }, ...effects]]
}

/** Ask for what is missing (`since`), or for everything. */
function subscribe(state: LiveState, now: number, resumable: boolean): Step {
  const sub: ClientMessage = { t: 'sub', topics: [...state.topics] }
  if (resumable && state.epoch !== null && state.last !== null) {
    sub.epoch = state.epoch
    sub.since = state.last
  }
  const asked_since = sub.since !== undefined
  return [{ ...state, phase: 'syncing', asked_ms: now, asked_since }, [send(sub)]]
}

function snapshot(state: LiveState, msg: Extract<ServerMessage, { t: 'snapshot' }>, now: number): Step {
  const next = synced({ ...state, last: msg.seq, snapshots: state.snapshots + 1 }, now)
  return [next, [{ do: 'replace', rows: msg.rows }, ack(next)]]
}

function resume(state: LiveState, msg: Extract<ServerMessage, { t: 'resume' }>, now: number): Step {
  if (msg.from !== state.last) return gap(state, now)
  const next = synced({ ...state, resumes: state.resumes + 1 }, now)
  return [next, [ack(next)]]
}

/** The server cannot resume: take everything. It cannot give that either: come back later. */
function not_answered(state: LiveState, now: number): Step {
  if (state.asked_since) return subscribe(state, now, false)
  return [wait(state, 0.5, now), [{ do: 'disconnect' }]]
}

function synced(state: LiveState, now: number): LiveState {
  return { ...state, phase: 'live', fresh_ms: now, attempts: 0, acked_ms: now }
}

function delta(state: LiveState, msg: Extract<ServerMessage, { t: 'delta' }>, now: number): Step {
  if (state.phase !== 'live' || state.last === null) return [state, []]
  const floor = accounted(state.last, msg.skip_to)
  if (msg.seq <= state.last) return [state, []] // told already, by the snapshot before it
  if (msg.seq !== floor + 1) return gap(state, now)
  return [{ ...state, last: msg.seq, fresh_ms: now }, [{ do: 'apply', ops: msg.ops }]]
}

function beat(state: LiveState, msg: Extract<ServerMessage, { t: 'beat' }>, now: number): Step {
  const clock: Effect = { do: 'clock', server_ms: msg.now_ms }
  if (state.phase !== 'live' || state.last === null) return [state, [clock]]
  const floor = accounted(state.last, msg.skip_to)
  if (msg.seq > floor) {
    const [next, effects] = gap(state, now)
    return [next, [clock, ...effects]]
  }
  return [{ ...state, last: floor, fresh_ms: now }, [clock]]
}

/** Numbers up to skip_to are not for this client: they count as seen. */
function accounted(last: number, skip_to: number | null | undefined): number {
  return Math.max(last, skip_to ?? last)
}

/** A number is missing: what we show may be wrong, so take everything afresh. */
function gap(state: LiveState, now: number): Step {
  return subscribe({ ...state, gaps: state.gaps + 1, last: null }, now, false)
}

function closed(state: LiveState, code: number, random: number, now: number): Step {
  if (state.phase === 'ended') return [state, []]
  if (code === CLOSED_SIGNED_OUT) return [{ ...state, phase: 'ended' }, [{ do: 'signed_out' }]]
  if (code === CLOSED_ORIGIN) return [{ ...state, phase: 'ended' }, [{ do: 'refused' }]]
  if (state.phase === 'waiting') return [state, []]
  return [wait(state, random, now), []]
}

function wait(state: LiveState, random: number, now: number): LiveState {
  const delay = backoff_ms(state.attempts, random)
  return { ...state, phase: 'waiting', retry_at_ms: now + delay, attempts: state.attempts + 1 }
}

/** Full jitter: anywhere between the floor and a ceiling that doubles. random: 0 ≤ r < 1. */
export function backoff_ms(attempts: number, random: number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(attempts + 1, 16))
  return Math.round(BACKOFF_MIN_MS + random * (ceiling - BACKOFF_MIN_MS))
}

function tick(state: LiveState, random: number, now: number): Step {
  switch (state.phase) {
    case 'ended':
      return [state, []]
    case 'waiting':
      return now >= state.retry_at_ms ? connect(state, now) : [state, []]
    default:
      if (is_silent(state, now)) return [wait(state, random, now), [{ do: 'disconnect' }]]
      return acknowledge(state, now)
  }
}

/** The watchdog: nothing closes a half-open connection but us. A hello or sub without answer counts as well. */
function is_silent(state: LiveState, now: number): boolean {
  if (now - state.heard_ms > OFFLINE_AFTER_MS) return true
  const is_waiting = state.phase === 'greeting' || state.phase === 'syncing'
  return is_waiting && now - state.asked_ms > OFFLINE_AFTER_MS
}

function acknowledge(state: LiveState, now: number): Step {
  if (state.phase !== 'live' || now - state.acked_ms < ACK_EVERY_MS) return [state, []]
  return [{ ...state, acked_ms: now }, [ack(state)]]
}

function reconnect(state: LiveState, now: number): Step {
  if (state.phase === 'ended') return [state, []]
  const [next, effects] = connect({ ...state, attempts: 0 }, now)
  return [next, state.phase === 'waiting' ? effects : [{ do: 'disconnect' }, ...effects]]
}

function attention(state: LiveState, visible: boolean, audio_ok: boolean, now: number): Step {
  if (state.visible === visible && state.audio_ok === audio_ok) return [state, []]
  const next = { ...state, visible, audio_ok }
  return next.phase === 'live' ? [{ ...next, acked_ms: now }, [ack(next)]] : [next, []]
}

function ack(state: LiveState): Effect {
  return send({ t: 'ack', seq: state.last ?? 0, visible: state.visible, audio_ok: state.audio_ok })
}

function send(msg: ClientMessage): Effect {
  return { do: 'send', message: msg }
}

// ── What a page shows of it ──────────────────────────────────────────────────────────────────────

export type Link =
  | { state: 'connecting'; silent_ms: number }
  | { state: 'live'; silent_ms: number }
  | { state: 'stale'; silent_ms: number }
  | { state: 'offline'; silent_ms: number }

/** How far the data shown can be trusted at this moment. */
export function link(state: LiveState, now: number): Link {
  if (state.fresh_ms === null) {
    const silent_ms = Math.max(0, now - state.heard_ms)
    return { state: state.attempts > 2 ? 'offline' : 'connecting', silent_ms }
  }
  const silent_ms = Math.max(0, now - state.fresh_ms)
  if (silent_ms > OFFLINE_AFTER_MS) return { state: 'offline', silent_ms }
  if (silent_ms > STALE_AFTER_MS) return { state: 'stale', silent_ms }
  return { state: 'live', silent_ms }
}
