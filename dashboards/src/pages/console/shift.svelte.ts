// Starting and ending a shift. Starting is the gesture that unlocks sound and keeps the screen awake.

import { refusal } from '../../core/i18n/say'
import { language } from '../../ui/lang.svelte'
import { api, signed_in } from '../../ui/session.svelte'
import { toasts } from '../../ui/toasts.svelte'
import { ringer } from './bell.svelte'

class ShiftDesk {
  is_busy = $state(false)

  async start(): Promise<void> {
    this.is_busy = true
    const audio_ok = await ringer.unlock() // first: the gesture counts only now
    void keep_awake()
    try {
      signed_in.shift = (await api.start_shift(audio_ok)).shift
      toasts.say(audio_ok ? language.t.shift.started : language.t.shift.no_sound, audio_ok ? 'sound' : 'mute')
    } catch (error) {
      toasts.say(refusal(language.t, error), 'warn')
    }
    this.is_busy = false
  }

  async end(): Promise<void> {
    try {
      await api.end_shift()
      signed_in.shift = null
      toasts.say(language.t.shift.ended, 'check')
    } catch (error) {
      toasts.say(refusal(language.t, error), 'warn')
    }
  }
}

async function keep_awake(): Promise<void> {
  try {
    await navigator.wakeLock?.request('screen')
  } catch {
    // then the screen follows the machine's own settings
  }
}

export const shift_desk = new ShiftDesk()
