// The order of the queue: what stands in which lane, and how it stands still while somebody points at it.

import { mmss, urgency } from './time'
import type { Alarm, Kind, Severity } from './types'

export type Lane = 'pinned' | 'mine' | 'others'
export type Filter = 'all' | 'mine' | 'unclaimed'

/** Nobody is sent for these. */
const UPKEEP: ReadonlySet<Kind> = new Set(['technical', 'gateway', 'device'])

export interface Placed {
  id: string
  lane: Lane
}

const RANK: Record<Severity, number> = { critical: 0, high: 1, medium: 2, low: 3 }

export function lane_of(alarm: Alarm, me: string): Lane {
  if (is_waiting(alarm) && alarm.severity === 'critical') return 'pinned'
  return alarm.claimed_by?.id === me ? 'mine' : 'others'
}

export function is_open(alarm: Alarm): boolean {
  return alarm.handling !== 'closed'
}

/** Nobody has it, also where a station was asked already: by escalation, or before it was given back. */
export function is_waiting(alarm: Alarm): boolean {
  return is_open(alarm) && alarm.claimed_by === null
}

/** Most severe first, unclaimed before claimed, then the one that waits longest. */
function before(a: Alarm, b: Alarm): number {
  return (
    RANK[a.severity] - RANK[b.severity] ||
    Number(is_waiting(b)) - Number(is_waiting(a)) ||
    a.raised_at_ms - b.raised_at_ms ||
    a.id.localeCompare(b.id)
  )
}

/** Filters hide nothing that is critical and unclaimed. */
export function passes(alarm: Alarm, filter: Filter, me: string): boolean {
  if (filter === 'all' || lane_of(alarm, me) === 'pinned') return true
  return filter === 'mine' ? alarm.claimed_by?.id === me : is_waiting(alarm)
}

export function arrange(alarms: Iterable<Alarm>, me: string, filter: Filter): Placed[] {
  const shown = [...alarms].filter((alarm) => is_open(alarm) && passes(alarm, filter, me)).sort(before)
  const lanes: Lane[] = ['pinned', 'mine', 'others']
  return lanes.flatMap((lane) =>
    shown.filter((alarm) => lane_of(alarm, me) === lane).map((alarm) => ({ id: alarm.id, lane })),
  )
}

export interface Frozen {
  placed: Placed[]
  /** New ones that wait behind the bar. */
  held: string[]
}

/**
 * The order while a pointer rests on the list: known rows stay where they are, even when their lane changes;
 * new criticals join the end of the pinned lane at once; everything else new waits behind the bar.
 */
export function freeze(shown: readonly Placed[], due: readonly Placed[]): Frozen {
  const known = new Set(shown.map((row) => row.id))
  const fresh = due.filter((row) => !known.has(row.id))
  const joining = fresh.filter((row) => row.lane === 'pinned')
  const pinned = shown.filter((row) => row.lane === 'pinned')
  const rest = shown.filter((row) => row.lane !== 'pinned')
  return {
    placed: [...pinned, ...joining, ...rest],
    held: fresh.filter((row) => row.lane !== 'pinned').map((row) => row.id),
  }
}

/** The id that the key J or K moves to. */
export function neighbour(placed: readonly Placed[], id: string | null, by: 1 | -1): string | null {
  const at = placed.findIndex((row) => row.id === id)
  if (at < 0) return (by === 1 ? placed[0] : placed[placed.length - 1])?.id ?? null
  return placed[Math.min(placed.length - 1, Math.max(0, at + by))]?.id ?? null
}

// ── The clock of a row ───────────────────────────────────────────────────────────────────────────

export type Stage = 'claim' | 'dispatch' | 'arrive' | 'done'

export interface Age {
  text: string
  stage: Stage
  look: 'plain' | 'warn' | 'over' | 'done'
  target_s: number
  /** Seconds left until the target, negative when it has passed. */
  left_s: number
}

export function stage_of(alarm: Alarm): Stage {
  if (is_waiting(alarm)) return 'claim'
  if (alarm.handling === 'claimed') return 'dispatch'
  return alarm.handling === 'offered' || alarm.handling === 'accepted' ? 'arrive' : 'done'
}

/** How long the alarm has been open, against the target of the stage that it is in. */
export function age(alarm: Alarm, now: number): Age {
  const waited = Math.max(0, now - alarm.raised_at_ms)
  const stage = stage_of(alarm)
  if (stage === 'done') return { text: mmss(waited), stage, look: 'done', target_s: 0, left_s: 0 }
  const target_s = alarm.targets[`${stage}_s`]
  const look = urgency(waited, target_s)
  return { text: mmss(waited), stage, look, target_s, left_s: Math.ceil(target_s - waited / 1000) }
}

// ── The next step ────────────────────────────────────────────────────────────────────────────────

export type NextStep = 'claim' | 'dispatch' | 'follow' | 'close' | 'view'

/** The one filled button: same place, changing word. */
export function next_step(alarm: Alarm, me: string): NextStep {
  if (is_waiting(alarm)) return 'claim'
  if (alarm.handling === 'closed' || alarm.claimed_by?.id !== me) return 'view'
  if (alarm.handling === 'claimed') return UPKEEP.has(alarm.kind) ? 'close' : 'dispatch'
  return alarm.handling === 'reported' ? 'close' : 'follow'
}
