// The queue as it is shown: in due order, standing still while the pointer rests on it.

import { arrange, freeze, type Placed } from '../../core/queue'
import type { Alarm } from '../../core/types'
import { desk } from './desk.svelte'

class Order {
  shown = $state.raw<Placed[]>([])
  /** New ones behind the bar. */
  held = $state(0)
  held_critical = $state(0)
  is_frozen = $state(false)
  /** The last known state of rows that stand still although their alarm has left. */
  #known = new Map<string, Alarm>()
  readonly due = $derived(arrange(desk.open, desk.me, desk.filter))

  /** would_cover: whether that many new rows in the pinned lane would lie over the row under the pointer. */
  update(due: readonly Placed[], is_frozen: boolean, would_cover: (rows: number) => boolean): void {
    for (const [id, alarm] of desk.alarms) this.#known.set(id, alarm)
    if (!is_frozen) {
      this.shown = [...due]
      this.held = this.held_critical = 0
      this.#known = new Map(desk.alarms)
      return
    }
    const before = new Set(this.shown.map((row) => row.id))
    const { placed, held } = freeze(this.shown, due)
    const joining = placed.filter((row) => !before.has(row.id))
    const is_covering = joining.length > 0 && would_cover(joining.length)
    this.held = held.length
    this.held_critical = is_covering ? joining.length : 0
    if (!is_covering) this.shown = placed
  }

  alarm(id: string): Alarm | null {
    return desk.alarms.get(id) ?? this.#known.get(id) ?? null
  }

  /** Let everything fall into place now. */
  release(): void {
    this.update(this.due, false, () => false)
  }
}

export const order = new Order()
