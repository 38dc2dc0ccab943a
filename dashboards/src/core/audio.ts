// What rings, when: the decision is a pure function, the tones are a few oscillators. Sound needs one gesture first.

import { is_waiting } from './queue'
import type { Alarm, Severity } from './types'

export const REPEAT_MS = 10_000
export const MUTE_MAX_MS = 60_000

/** The most severe unclaimed alarm sounds; a technical one as its severity says. Null: silence. */
export function what_rings(alarms: Iterable<Alarm>): Severity | null {
  const order: Severity[] = ['critical', 'high', 'medium'] // low makes no sound
  const waiting = new Set<Severity>()
  for (const alarm of alarms) if (is_waiting(alarm)) waiting.add(alarm.severity)
  return order.find((severity) => waiting.has(severity)) ?? null
}

export interface Bell {
  rings: Severity | null
  rang_ms: number
  muted_until_ms: number
}

export const SILENT: Bell = { rings: null, rang_ms: 0, muted_until_ms: 0 }

/** Rings at once for something new or worse, then every 10 s until it is claimed. */
export function ring(bell: Bell, rings: Severity | null, is_new: boolean, now: number): [Bell, Severity | null] {
  const next = { ...bell, rings }
  if (rings === null || now < bell.muted_until_ms) return [next, null]
  const changed = is_new || bell.rings !== rings
  if (!changed && now - bell.rang_ms < REPEAT_MS) return [next, null]
  return [{ ...next, rang_ms: now }, rings]
}

/** Quiet for a minute at the most; pressed again it sounds again. */
export function mute(bell: Bell, now: number): Bell {
  return { ...bell, muted_until_ms: now < bell.muted_until_ms ? 0 : now + MUTE_MAX_MS }
}

// ── Tones ────────────────────────────────────────────────────────────────────────────────────────

interface Note {
  hz: number
  at_s: number
  for_s: number
}

/** Critical: two rising notes. High: two level notes. Medium: one. Low: none. */
export const NOTES: Record<Severity | 'test', readonly Note[]> = {
  critical: [
    { hz: 660, at_s: 0, for_s: 0.28 },
    { hz: 990, at_s: 0.3, for_s: 0.42 },
  ],
  high: [
    { hz: 660, at_s: 0, for_s: 0.22 },
    { hz: 660, at_s: 0.3, for_s: 0.22 },
  ],
  medium: [{ hz: 520, at_s: 0, for_s: 0.3 }],
  low: [],
  test: [{ hz: 880, at_s: 0, for_s: 0.15 }],
}

export class Speaker {
  #context: AudioContext | null = null

  /** True when tones can be heard now. */
  get is_open(): boolean {
    return this.#context?.state === 'running'
  }

  /** Must be called from a gesture. Plays one short test tone. */
  async unlock(): Promise<boolean> {
    try {
      this.#context ??= new AudioContext()
      await this.#context.resume()
      this.play('test')
    } catch {
      return false
    }
    return this.is_open
  }

  play(tone: Severity | 'test'): void {
    const context = this.#context
    if (context === null || context.state !== 'running') return
    for (const note of NOTES[tone]) {
      const start = context.currentTime + note.at_s
      const gain = context.createGain()
      gain.gain.setValueAtTime(0, start)
      gain.gain.linearRampToValueAtTime(0.32, start + 0.02)
      gain.gain.exponentialRampToValueAtTime(0.001, start + note.for_s)
      const tone_source = context.createOscillator()
      tone_source.type = 'triangle'
      tone_source.frequency.value = note.hz
      tone_source.connect(gain).connect(context.destination)
      tone_source.start(start)
      tone_source.stop(start + note.for_s + 0.05)
    }
  }
}
