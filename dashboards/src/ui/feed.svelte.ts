// The live feed for a page: rows and link as reactive state.

import { Feed } from '../core/feed'
import type { Link } from '../core/live'
import { empty, type Tables } from '../core/rows'
import type { Collection, Collections } from '../core/types'
import { ticker } from './clock.svelte'
import { leave_for_login } from './session.svelte'

const REFRESH_MS = 200

export class LiveFeed {
  tables = $state.raw<Tables>(empty())
  link = $state.raw<Link>({ state: 'connecting', silent_ms: 0 })
  has_new_build = $state(false)
  is_refused = $state(false)
  /** Until when the data shown are known to be true, by the server's clock. */
  fresh_ms = $state<number | null>(null)
  #audio_ok = false
  readonly #feed: Feed

  constructor(topics: readonly string[]) {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    this.#feed = new Feed(
      topics,
      {
        changed: () => (this.tables = this.#feed.tables),
        clock: (server_ms) => {
          ticker.server.hear(server_ms)
          ticker.tick()
        },
        signed_out: leave_for_login,
        refused: () => (this.is_refused = true),
      },
      {
        open: () => new WebSocket(`${scheme}://${location.host}/feed`),
        now: () => Date.now(),
        random: () => Math.random(),
      },
    )
  }

  start(): void {
    this.#feed.start()
    setInterval(() => this.#refresh(), REFRESH_MS)
    document.addEventListener('visibilitychange', () => this.#attend())
    window.addEventListener('online', () => {
      if (this.link.state !== 'live') this.reconnect()
    })
    this.#refresh()
  }

  /** Whether tones can be heard here; the server wants to know which consoles are really awake. */
  set audio_ok(audio_ok: boolean) {
    this.#audio_ok = audio_ok
    this.#attend()
  }

  reconnect(): void {
    this.#feed.tell({ kind: 'reconnect' })
    this.#refresh()
  }

  put<C extends Collection>(coll: C, value: Collections[C]): void {
    this.#feed.put(coll, value)
  }

  #attend(): void {
    const visible = document.visibilityState === 'visible'
    this.#feed.tell({ kind: 'attention', visible, audio_ok: this.#audio_ok })
  }

  #refresh(): void {
    const fresh = this.#feed.state.fresh_ms
    this.fresh_ms = fresh === null ? null : fresh + ticker.server.offset_ms
    this.link = this.#feed.link()
    this.has_new_build = this.#feed.state.has_new_build
  }
}
