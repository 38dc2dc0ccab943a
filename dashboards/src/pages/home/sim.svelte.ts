// What the simulator tells of one virtual home, kept up to date over its own feed.

import { ApiError } from '../../core/api'
import { backoff_ms } from '../../core/live'
import type { SimHome, SimState } from '../../core/types'
import { api } from '../../ui/session.svelte'

export type Trouble = 'not_demo' | 'no_home' | null

export class Sim {
  homes = $state.raw<SimHome[]>([])
  home = $state.raw<SimState | null>(null)
  is_connected = $state(false)
  trouble = $state<Trouble>(null)
  /** The key of a press on its way, or `fine` or `reset`. */
  busy = $state<string | null>(null)
  has_failed = $state(false)
  #socket: WebSocket | null = null
  #attempts = 0

  async start(id: string | null): Promise<void> {
    await this.#list()
    if (id === null || this.trouble !== null) return
    await this.#read(id)
    if (this.trouble === null) this.#listen(id)
  }

  /** Go to another home without leaving the page. */
  async change(id: string): Promise<void> {
    history.pushState(null, '', `/home?home=${encodeURIComponent(id)}`)
    const socket = this.#socket
    this.#socket = null
    socket?.close()
    this.home = null
    await this.#read(id)
    this.#listen(id)
  }

  press = (device: string) => this.#do(device, (id) => api.sim_press(id, device))
  fine = () => this.#do('fine', (id) => api.sim_fine(id))
  reset = () => this.#do('reset', (id) => api.sim_reset(id))

  async #do(what: string, send: (id: string) => Promise<unknown>): Promise<void> {
    const id = this.home?.home.id
    if (id === undefined || this.busy !== null) return
    this.busy = what
    this.has_failed = false
    try {
      await send(id)
      if (!this.is_connected) await this.#read(id)
    } catch {
      this.has_failed = true
    } finally {
      this.busy = null
    }
  }

  async #list(): Promise<void> {
    try {
      this.homes = (await api.sim_homes()).homes
    } catch (error) {
      if (error instanceof ApiError) this.trouble = 'not_demo'
    }
  }

  async #read(id: string): Promise<void> {
    try {
      this.home = await api.sim_home(id)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) this.trouble = 'no_home'
    }
  }

  #listen(id: string): void {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const socket = new WebSocket(`${scheme}://${location.host}/sim/feed?home=${encodeURIComponent(id)}`)
    this.#socket = socket
    socket.onopen = () => {
      this.is_connected = true
      this.#attempts = 0
    }
    socket.onmessage = (event) => {
      const message = JSON.parse(String(event.data)) as { t: string } & SimState
      if (message.t === 'home' && this.#socket === socket) this.home = message
    }
    socket.onclose = () => {
      if (this.#socket !== socket) return
      this.is_connected = false
      setTimeout(() => this.#again(id, socket), backoff_ms(this.#attempts++, Math.random()))
    }
  }

  #again(id: string, before: WebSocket): void {
    if (this.#socket !== before) return
    void this.#read(id)
    this.#listen(id)
  }
}
