// Rings what waits: decides by core/audio.ts, plays, and tells the server whether this desk can be heard.

import { mute, ring, SILENT, Speaker, what_rings, type Bell } from '../../core/audio'
import type { Alarm } from '../../core/types'
import { ticker } from '../../ui/clock.svelte'
import { desk } from './desk.svelte'

class Ringer {
  is_open = $state(false)
  #bell = $state.raw<Bell>(SILENT)
  readonly #speaker = new Speaker()
  readonly #presses = new Map<string, number>()

  get muted_s(): number {
    return Math.max(0, Math.ceil((this.#bell.muted_until_ms - ticker.now) / 1000))
  }

  /** From a gesture only. */
  async unlock(): Promise<boolean> {
    this.is_open = await this.#speaker.unlock()
    desk.feed.audio_ok = this.is_open && this.muted_s === 0
    return this.is_open
  }

  mute(): void {
    this.#bell = mute(this.#bell, ticker.now)
    desk.feed.audio_ok = this.is_open && this.muted_s === 0
  }

  tick(alarms: readonly Alarm[], now: number): void {
    const was_muted = now < this.#bell.muted_until_ms
    const fresh = this.#fresh(alarms)
    const waiting = what_rings(alarms)
    const [bell, tone] = ring(this.#bell, waiting ?? what_rings_once(fresh), fresh.length > 0, now)
    this.#bell = waiting === null ? { ...bell, rings: null } : bell
    if (tone !== null) this.#speaker.play(tone)
    if (!was_muted || now < this.#bell.muted_until_ms) return
    desk.feed.audio_ok = this.is_open
  }

  /** New alarms, and those whose resident has pressed again, claimed or not. */
  #fresh(alarms: readonly Alarm[]): Alarm[] {
    const fresh = alarms.filter((alarm) => alarm.presses > (this.#presses.get(alarm.id) ?? 0))
    for (const alarm of fresh) this.#presses.set(alarm.id, alarm.presses)
    return fresh
  }
}

/** A repeated press on a claimed alarm sounds once. */
function what_rings_once(fresh: readonly Alarm[]): Alarm['severity'] | null {
  return fresh[0]?.severity ?? null
}

export const ringer = new Ringer()
