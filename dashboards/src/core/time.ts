// Time as the server tells it, and how times are written. Ages never come from the browser's own clock.

const SAMPLES = 8

/** The server's clock. The sample that travelled least is the truest: the largest of the last few differences. */
export class ServerClock {
  #offsets: number[] = []
  readonly #local: () => number

  constructor(local: () => number = Date.now) {
    this.#local = local
  }

  hear(server_ms: number): void {
    this.#offsets.push(server_ms - this.#local())
    if (this.#offsets.length > SAMPLES) this.#offsets.shift()
  }

  get offset_ms(): number {
    return this.#offsets.length === 0 ? 0 : Math.max(...this.#offsets)
  }

  now(): number {
    return this.#local() + this.offset_ms
  }
}

/** 72_000 → "01:12"; from an hour on "1:02:03". Never negative. */
export function mmss(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000))
  const [h, m, s] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60]
  const two = (n: number) => String(n).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`
}

/** The district's own time; the server has no site setting yet. */
export const SITE_ZONE = 'Asia/Shanghai'

export function clock(at_ms: number, zone = SITE_ZONE): string {
  return format(at_ms, { hour: '2-digit', minute: '2-digit', second: '2-digit' }, zone)
}

export function hhmm(at_ms: number, zone = SITE_ZONE): string {
  return format(at_ms, { hour: '2-digit', minute: '2-digit' }, zone)
}

function format(at_ms: number, options: Intl.DateTimeFormatOptions, zone: string): string {
  return new Intl.DateTimeFormat('en-GB', { ...options, hourCycle: 'h23', timeZone: zone }).format(at_ms)
}

/** How a wait stands against its target: from 75 % outlined, from 100 % filled. */
export function urgency(waited_ms: number, target_s: number): 'plain' | 'warn' | 'over' {
  const share = waited_ms / (target_s * 1000)
  if (share >= 1) return 'over'
  return share >= 0.75 ? 'warn' : 'plain'
}
