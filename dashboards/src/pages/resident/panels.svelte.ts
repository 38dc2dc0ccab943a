// One home's last 24 hours, panel by panel: each loads, fails and grows stale on its own.

import { refusal } from '../../core/i18n/say'
import type { HomeShown, Readings } from '../../core/types'
import { ticker } from '../../ui/clock.svelte'
import { language } from '../../ui/lang.svelte'
import { api } from '../../ui/session.svelte'

const AGAIN_MS = 60_000
const AGAIN_FAILED_MS = 5_000
const DAY_MS = 24 * 3_600_000

export type PanelKey = 'temperature' | 'motion' | 'opening' | 'battery'

interface Kind {
  key: PanelKey
  /** Words of the vocabulary that this panel shows. */
  measurements: readonly string[]
  is_state: boolean
  buckets: number
}

/** Numbers in half hours, states in five minutes. */
const KINDS: readonly Kind[] = [
  { key: 'temperature', measurements: ['temperature'], is_state: false, buckets: 48 },
  { key: 'motion', measurements: ['motion', 'occupancy'], is_state: true, buckets: 288 },
  { key: 'opening', measurements: ['opening'], is_state: true, buckets: 288 },
  { key: 'battery', measurements: ['battery'], is_state: false, buckets: 48 },
]

/** Battery sensors report their state every few hours even where nothing happens. */
export const HOLD_MS = 4 * 3_600_000

export class Panel {
  readonly kind: Kind
  told = $state.raw<Readings | null>(null)
  error = $state<string | null>(null)

  constructor(kind: Kind) {
    this.kind = kind
  }

  async load(home: string): Promise<boolean> {
    const to = Math.round(ticker.server.now())
    const span = { from: to - DAY_MS, to, buckets: this.kind.buckets }
    try {
      const parts = await Promise.all(this.kind.measurements.map((each) => api.readings(home, each, span)))
      const first = parts[0] as Readings
      this.told = { ...first, traces: parts.flatMap((part) => part.traces) }
      this.error = null
    } catch (error) {
      this.error = refusal(language.t, error)
    }
    return this.error === null
  }
}

class Day {
  home = $state.raw<HomeShown | null>(null)
  error = $state<string | null>(null)
  readonly panels = KINDS.map((kind) => new Panel(kind))

  /** Reads everything, and again as long as the page is open. */
  async follow(id: string): Promise<void> {
    for (;;) {
      const is_whole = await this.#load(id)
      await new Promise((done) => setTimeout(done, is_whole ? AGAIN_MS : AGAIN_FAILED_MS))
    }
  }

  async #load(id: string): Promise<boolean> {
    try {
      this.home = await api.home(id)
      this.error = null
    } catch (error) {
      this.error = refusal(language.t, error)
      return false
    }
    const done = await Promise.all(this.panels.map((panel) => panel.load(id)))
    return done.every((is_done) => is_done)
  }
}

export const day = new Day()
