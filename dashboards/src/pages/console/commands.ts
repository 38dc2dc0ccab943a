// What the keys do on the desk.

import { command_of, press_of, type Command } from '../../core/keys'
import { neighbour, next_step, type Placed } from '../../core/queue'
import { ringer } from './bell.svelte'
import { claims } from './claims.svelte'
import { desk } from './desk.svelte'

export function on_key(event: KeyboardEvent, shown: readonly Placed[]): void {
  if (event.key === 'Escape') return escape(event)
  const command = command_of(press_of(event), desk.are_keys_on)
  if (command === null) return
  event.preventDefault()
  run(command, shown)
}

function escape(event: KeyboardEvent): void {
  if (document.querySelector('dialog[open]') !== null || event.defaultPrevented) return
  if (desk.is_dispatching) desk.is_dispatching = false
  else if (desk.selected !== null) desk.select(null)
}

function run(command: Command, shown: readonly Placed[]): void {
  const alarm = desk.alarm(desk.selected)
  const is_mine = alarm !== null && alarm.claimed_by?.id === desk.me && alarm.handling !== 'closed'
  switch (command) {
    case 'help':
      desk.window = 'keys'
      return
    case 'mute':
      return ringer.mute()
    case 'next':
    case 'previous':
      return desk.select(neighbour(shown, desk.selected, command === 'next' ? 1 : -1))
    case 'open':
      return desk.select(desk.selected ?? neighbour(shown, null, 1))
    case 'claim':
      return claim(shown)
    case 'dispatch':
      if (alarm !== null && next_step(alarm, desk.me) === 'dispatch') desk.dispatch(alarm.id)
      return
    case 'note':
      if (is_mine) desk.window = 'note'
      return
    case 'close_case':
      if (is_mine) desk.window = 'close'
  }
}

/** C claims what is selected; with nothing selected, what is on top. */
function claim(shown: readonly Placed[]): void {
  const alarm = desk.alarm(desk.selected ?? shown[0]?.id ?? null)
  if (alarm !== null) claims.ask(alarm)
}
