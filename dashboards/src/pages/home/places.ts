// Where each kind of device hangs on the floor plan, in per cent, and where the elder stands when it is used.

import type { SimDevice, SimKind } from '../../core/types'

export interface Place {
  x: number
  y: number
}

const DEVICES: Record<SimKind, Place> = {
  'sos-bath': { x: 25, y: 67 },
  'sos-bed': { x: 28.2, y: 12 },
  pendant: { x: 60.5, y: 68 },
  motion: { x: 48, y: 43 },
  door: { x: 93, y: 17 },
  gas: { x: 52, y: 15 },
  smoke: { x: 63, y: 52 },
  leak: { x: 11, y: 72 },
  fall: { x: 12, y: 47 },
  speaker: { x: 74, y: 41 },
}

const ELDER: Partial<Record<SimKind, Place>> = {
  'sos-bath': { x: 34.5, y: 66 },
  'sos-bed': { x: 21.5, y: 30 },
  pendant: { x: 52.8, y: 65.5 },
  door: { x: 87, y: 20 },
  motion: { x: 43, y: 52 },
}

const CALLS = { 'sos-bath': true, 'sos-bed': true, pendant: true }

export const ELDER_AT_REST: Place = { x: 52.8, y: 65.5 }

/** Devices that the plan has no place for stand in a row on the balcony. */
const ROW: Place = { x: 30, y: 88 }
const STEP = 14

const ICONS: Record<SimKind, string> = {
  'sos-bath': 'sos',
  'sos-bed': 'sos',
  pendant: 'sos',
  motion: 'walk',
  door: 'door',
  gas: 'gas',
  smoke: 'fire',
  leak: 'drop',
  fall: 'fall',
  speaker: 'sound',
}

export interface Placed {
  device: SimDevice
  place: Place
  icon: string
  is_call: boolean
}

export function place_all(devices: readonly SimDevice[]): Placed[] {
  const taken = new Set<string>()
  let spare = 0
  return devices.map((device) => {
    const known = taken.has(device.kind) ? undefined : DEVICES[device.kind]
    taken.add(device.kind)
    const place = known ?? { x: ROW.x + STEP * spare++, y: ROW.y }
    const icon = ICONS[device.kind] ?? 'chip'
    return { device, place, icon, is_call: icon === 'sos' }
  })
}

export function elder_at(devices: readonly SimDevice[]): Place {
  const calls_first = [...devices].sort((a, b) => Number(b.kind in CALLS) - Number(a.kind in CALLS))
  const pressed = calls_first.find((device) => device.is_pressed && ELDER[device.kind] !== undefined)
  return (pressed && ELDER[pressed.kind]) ?? ELDER_AT_REST
}
