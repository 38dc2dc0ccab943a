// Carries out what the machine in live.ts decides: one socket, one timer, the rows. No protocol decisions here.

import { initial, link, step, type Effect, type Input, type Link, type LiveState } from './live'
import * as rows from './rows'
import type { Collection, Collections, ServerMessage } from './types'

const TICK_MS = 250

export interface FeedEvents {
  changed(): void
  clock(server_ms: number): void
  signed_out(): void
  refused(): void
}

export interface FeedParts {
  open(): WebSocket
  now(): number
  random(): number
}

export class Feed {
  tables: rows.Tables = rows.empty()
  #state: LiveState
  #socket: WebSocket | null = null
  #timer: ReturnType<typeof setInterval> | null = null
  readonly #events: FeedEvents
  readonly #parts: FeedParts

  constructor(topics: readonly string[], events: FeedEvents, parts: FeedParts) {
    this.#state = initial(topics)
    this.#events = events
    this.#parts = parts
  }

  get state(): LiveState {
    return this.#state
  }

  link(): Link {
    return link(this.#state, this.#parts.now())
  }

  start(): void {
    this.#timer ??= setInterval(() => this.tell({ kind: 'tick', random: this.#parts.random() }), TICK_MS)
    this.tell({ kind: 'start' })
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
    this.tell({ kind: 'stop' })
  }

  tell(input: Input): void {
    const [next, effects] = step(this.#state, input, this.#parts.now())
    this.#state = next
    for (const effect of effects) this.#carry_out(effect)
  }

  /** Take in the answer to a command before the feed brings the same. */
  put<C extends Collection>(coll: C, value: Collections[C]): void {
    this.tables = rows.put(this.tables, coll, value)
    this.#events.changed()
  }

  #carry_out(effect: Effect): void {
    switch (effect.do) {
      case 'connect':
        return this.#connect()
      case 'disconnect':
        return this.#disconnect()
      case 'send':
        if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(effect.message))
        return
      case 'replace':
        this.tables = rows.replace(effect.rows)
        return this.#events.changed()
      case 'apply':
        this.tables = rows.apply(this.tables, effect.ops)
        return this.#events.changed()
      case 'clock':
        return this.#events.clock(effect.server_ms)
      case 'signed_out':
        return this.#events.signed_out()
      case 'refused':
        return this.#events.refused()
    }
  }

  #connect(): void {
    this.#disconnect()
    const socket = this.#parts.open()
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => this.#if_current(socket, { kind: 'opened' })
    socket.onmessage = (event) => {
      const message = parse(event.data)
      if (message !== null) this.#if_current(socket, { kind: 'message', message })
    }
    socket.onclose = (event) =>
      this.#if_current(socket, { kind: 'closed', code: event.code, random: this.#parts.random() })
  }

  #if_current(socket: WebSocket, input: Input): void {
    if (this.#socket === socket) this.tell(input)
  }

  #disconnect(): void {
    const socket = this.#socket
    this.#socket = null
    socket?.close()
  }
}

function parse(data: unknown): ServerMessage | null {
  const text = data instanceof ArrayBuffer ? new TextDecoder().decode(data) : data
  if (typeof text !== 'string') return null
  try {
    return JSON.parse(text) as ServerMessage
  } catch {
    return null // the watchdog and the numbers notice what is missing
  }
}
