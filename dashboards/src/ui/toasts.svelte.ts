// Short notices that leave by themselves.

export interface Toast {
  id: number
  text: string
  icon: string
  action: { text: string; run: () => void } | null
}

const STAYS_MS = 4_500
const STAYS_WITH_ACTION_MS = 8_000

class Toasts {
  shown = $state<Toast[]>([])
  #next = 1

  say(text: string, icon = 'info', action: Toast['action'] = null): void {
    const id = this.#next++
    this.shown = [...this.shown.slice(-2), { id, text, icon, action }]
    setTimeout(() => this.drop(id), action === null ? STAYS_MS : STAYS_WITH_ACTION_MS)
  }

  drop(id: number): void {
    this.shown = this.shown.filter((toast) => toast.id !== id)
  }
}

export const toasts = new Toasts()
