// The server's time as the page shows it, four times a second.

import { ServerClock } from '../core/time'

const EVERY_MS = 250

class Ticker {
  readonly server = new ServerClock()
  now = $state(Date.now())

  constructor() {
    setInterval(() => this.tick(), EVERY_MS)
  }

  tick(): void {
    this.now = this.server.now()
  }
}

export const ticker = new Ticker()
