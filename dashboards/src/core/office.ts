// What the office keeps: the shapes of its wire, and what follows from them without a browser.

import type { components } from './api-types'
import type { Words } from './types'

type Schemas = components['schemas']
export type Area = Schemas['AreaCard']
export type AccountShown = Schemas['AccountShown']
export type AccountEntry = Schemas['AccountEntry']
export type Gateway = Schemas['GatewayStanding']
export type Fleet = Schemas['FleetList']
export type HomeRow = Schemas['HomeRow']
export type HomeDetail = Schemas['HomeDetail']
export type HomeForm = Schemas['HomeForm']
export type DeviceForm = Schemas['DeviceForm']
export type ContactEntry = Schemas['ContactEntry']
export type CallPlan = Schemas['CallPlanEntry']
export type Sighting = Schemas['Sighting']
export type Removal = Schemas['Removal']
export type AuditEntry = Schemas['AuditEntry']
export type Chain = Schemas['AuditChain']

const DAY_MS = 24 * 3_600_000
const SOON_MS = 30 * DAY_MS

export type CertificateState = 'none' | 'good' | 'soon' | 'expired' | 'revoked'

/** How a gateway's certificate stands; `soon`: it should have renewed itself long ago. */
export function certificate_state(gateway: Gateway, now: number): CertificateState {
  const one = gateway.certificate
  if (one === null) return 'none'
  if (one.revoked_ms !== null) return 'revoked'
  if (one.until_ms <= now) return 'expired'
  return one.until_ms - now < SOON_MS ? 'soon' : 'good'
}

/** "22.69, 114.34" as a map gives it, in either kind of comma. Null where it is no place in China. */
export function place(text: string): { lat: number; lon: number } | null {
  const found = /^\s*(\d{1,2}(?:\.\d+)?)\s*[,\uff0c\s]\s*(\d{2,3}(?:\.\d+)?)\s*$/.exec(text)
  if (found === null) return null
  const [lat, lon] = [Number(found[1]), Number(found[2])]
  return lat >= 18 && lat <= 54 && lon >= 73 && lon <= 136 ? { lat, lon } : null
}

/** A Zigbee address as labels print it (with or without 0x and colons), as the bridge writes it. */
export function address(text: string): string | null {
  const digits = text.trim().toLowerCase().replace(/^0x/, '').replace(/[:\s-]/g, '')
  return /^[0-9a-f]{16}$/.test(digits) ? `0x${digits}` : null
}

/** An id that nobody has to think of. */
export function fresh_id(prefix: string): string {
  const letters = '0123456789abcdefghjkmnpqrstuvwxyz'
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  return prefix + Array.from(bytes, (byte) => letters[byte % letters.length]).join('')
}

export interface DeviceModel {
  key: DeviceKey
  vendor: string
  model: string
  profile: string | null
  is_sos: boolean
}

export const DEVICE_KEYS = ['sos-bath', 'sos-bed', 'pendant', 'motion', 'door', 'climate'] as const
export type DeviceKey = (typeof DEVICE_KEYS)[number]
export const ROOM_KEYS = ['bathroom', 'bedroom', 'living', 'hall', 'kitchen', 'worn'] as const
export type RoomKey = (typeof ROOM_KEYS)[number]

/** Models that the platform is tried with; another one is entered over the interface. */
export const MODELS: readonly DeviceModel[] = [
  { key: 'sos-bath', vendor: 'Tuya', model: 'TS0215A_sos', profile: null, is_sos: true },
  { key: 'sos-bed', vendor: 'MultIR', model: 'MIR-SO100', profile: 'multir_mir_so100', is_sos: true },
  { key: 'pendant', vendor: 'Loginovo', model: 'ZG-101Z', profile: null, is_sos: true },
  { key: 'motion', vendor: 'Aqara', model: 'RTCGQ11LM', profile: null, is_sos: false },
  { key: 'door', vendor: 'Aqara', model: 'MCCGQ11LM', profile: null, is_sos: false },
  { key: 'climate', vendor: 'Aqara', model: 'WSDCGQ11LM', profile: null, is_sos: false },
]

/** The device as the registry wants it. Zigbee2MQTT names a device by its address until somebody renames it. */
export function device_form(home: string, key: DeviceKey, at: string, name: Words, room: Words): DeviceForm {
  const model = MODELS.find((each) => each.key === key)
  if (model === undefined) throw new RangeError(key)
  const { vendor, profile, is_sos } = model
  const topic = `zigbee2mqtt/${at}`
  return { uid: `z2m:${at}`, home, topic, key: at, kind: key, vendor, model: model.model, name, room, is_sos, profile }
}

/** Areas from the root down, each with how deep it lies below the first. */
export function tree(areas: readonly Area[]): (Area & { depth: number })[] {
  const sorted = [...areas].sort((a, b) => (a.path.join('/') < b.path.join('/') ? -1 : 1))
  const least = Math.min(...sorted.map((area) => area.path.length))
  return sorted.map((area) => ({ ...area, depth: area.path.length - least }))
}
