// Single-key commands. They act only where no text is being written and no dialog is open, and can be switched off.

export type Command = 'help' | 'next' | 'previous' | 'open' | 'claim' | 'dispatch' | 'note' | 'close_case' | 'mute'

export interface Press {
  key: string
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
  /** Something is being written, or a dialog is open. */
  is_taken: boolean
  /** A button or link has the focus: Enter and Space belong to it. */
  is_on_control: boolean
}

export const KEYS: readonly { keys: readonly string[]; command: Command }[] = [
  { keys: ['j', 'ArrowDown'], command: 'next' },
  { keys: ['k', 'ArrowUp'], command: 'previous' },
  { keys: ['Enter'], command: 'open' },
  { keys: ['c'], command: 'claim' },
  { keys: ['d'], command: 'dispatch' },
  { keys: ['n'], command: 'note' },
  { keys: ['x'], command: 'close_case' },
  { keys: ['m'], command: 'mute' },
  { keys: ['?', '\uff1f'], command: 'help' }, // the second: as a Chinese keyboard types it
]

export function command_of(press: Press, enabled: boolean): Command | null {
  if (press.is_taken || press.ctrlKey || press.metaKey || press.altKey) return null
  const key = press.key.length === 1 ? press.key.toLowerCase() : press.key
  const found = KEYS.find((entry) => entry.keys.includes(key))
  if (found === undefined) return null
  if (found.command === 'open' && press.is_on_control) return null
  if (!enabled && press.key.length === 1 && found.command !== 'help') return null
  return found.command
}

export function press_of(event: KeyboardEvent): Press {
  const target = event.target instanceof Element ? event.target : null
  const is_taken =
    target?.closest('input, textarea, select, [contenteditable]') != null ||
    document.querySelector('dialog[open], [aria-modal="true"]') !== null
  return {
    key: event.key,
    ctrlKey: event.ctrlKey,
    metaKey: event.metaKey,
    altKey: event.altKey,
    is_taken,
    is_on_control: target?.closest('button, a') != null,
  }
}
