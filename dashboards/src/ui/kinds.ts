// The picture of each kind of alarm, by its name in icons.svg.

import type { Kind } from '../core/types'

export const KIND_ICON: Record<Kind, string> = {
  sos: 'sos',
  fall: 'fall',
  smoke: 'fire',
  gas: 'gas',
  carbon_monoxide: 'gas',
  water_leak: 'drop',
  inactivity: 'walk',
  gateway: 'offline',
  device: 'battery-low',
  technical: 'chip',
}
