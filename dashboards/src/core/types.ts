// The shapes that cross the wire to the pages. Hand-written until the server's OpenAPI generates them;
// everything that the pages know of the wire stands here, so that this one file can be replaced.

/** A text in both languages. */
export interface Words {
  zh: string
  en: string
}

export type Severity = 'critical' | 'high' | 'medium' | 'low'
export type Kind =
  | 'sos'
  | 'fall'
  | 'smoke'
  | 'gas'
  | 'carbon_monoxide'
  | 'water_leak'
  | 'inactivity'
  | 'gateway'
  | 'device'
  | 'technical'
export type Handling = 'unclaimed' | 'claimed' | 'offered' | 'accepted' | 'arrived' | 'reported' | 'closed'
export type OfferState =
  | 'offered'
  | 'accepted'
  | 'departed'
  | 'arrived'
  | 'reported'
  | 'declined'
  | 'expired'
  | 'withdrawn'
export type Role = 'operator' | 'station' | 'responder' | 'family' | 'supervisor' | 'administrator' | 'auditor'

export interface Named {
  id: string
  name: string
  name_en: string
}

export interface Account extends Named {
  login: string
  role: Role
  lang: 'zh' | 'en'
  area_id: string | null
  station_id: string | null
  responder_id: string | null
}

export interface Shift {
  id: string
  started_ms: number
}

export interface Session {
  account: Account
  csrf: string
  server_time_ms: number
  /** The open shift of this account, where the server tells it. */
  shift?: Shift | null
  /** The role acts only with a second step, and the account has none yet. */
  needs_second_factor?: boolean
  has_password?: boolean
}

/** What an authenticator app is told. `qr` is a picture, as a data address. */
export interface Enrolment {
  secret: string
  uri: string
  qr: string
}

export interface Home {
  id: string
  address: Words
  area: Words
  lat: number
  lon: number
  kind: string
}

export interface Resident extends Named {
  age: number | null
  sex: 'female' | 'male' | string | null
  lives_alone: boolean
}

/** A home with its resident and devices. */
export interface HomeShown {
  id: string
  address: Words
  area: Words
  resident: Resident | null
  devices: Device[]
}

/** One device's buckets; null where nothing was heard. */
export interface Trace {
  device: string
  mean: (number | null)[]
  low: (number | null)[]
  high: (number | null)[]
  last: (number | null)[]
  count: number[]
}

/** One measurement of a home in buckets of `width_ms` over [from_ms, to_ms). */
export interface Readings {
  home_id: string
  measurement: string
  unit: string | null
  from_ms: number
  to_ms: number
  width_ms: number
  traces: Trace[]
}

export interface DeviceOfAlarm {
  uid: string
  name: Words
  room: Words
}

export interface Report {
  found: Found
  action: Action
  handover: Handover
  follow_up: FollowUp
  text?: string | null
}

export type Found = 'conscious_ok' | 'injured' | 'unwell' | 'unconscious' | 'not_home' | 'no_entry'
export type Action = 'helped_up' | 'first_aid' | 'called_120' | 'reassured' | 'none'
export type Handover = 'family' | 'hospital' | 'stays_home' | 'neighbour'
export type FollowUp = 'none' | 'visit_today' | 'doctor' | 'device_check'
export type DeclineReason = 'busy' | 'too_far' | 'not_qualified' | 'vehicle' | 'other'

export interface Contact {
  order: number
  name: string
  name_en: string
  relation: string
  relation_en: string
  phone: string
  has_key: boolean
}

export interface OfferedAlarm {
  no: string
  kind: Kind
  severity: Severity
  say: Words
  home: Home | null
  resident: Resident | null
  device: DeviceOfAlarm | null
  hazards: Words[]
  conditions: Words[]
  entry_notes: Words | null
  /** Only from acceptance until arrival. */
  door_code?: string | null
  contacts?: Contact[]
}

export interface Offer {
  id: string
  alarm_id: string
  state: OfferState
  rev: number
  station: Named
  responder: Named | null
  offered_at_ms: number
  expires_at_ms: number
  accepted_at_ms: number | null
  departed_at_ms: number | null
  arrived_at_ms: number | null
  reported_at_ms: number | null
  distance_m: number | null
  travel_s: number | null
  rank: number
  attempt: number
  decline_reason: string | null
  report: Report | null
  alarm: OfferedAlarm
}

export interface Alarm {
  id: string
  no: string
  kind: Kind
  severity: Severity
  condition: 'active' | 'cleared'
  handling: Handling
  rev: number
  raised_at_ms: number
  pressed_at_ms: number | null
  received_at_ms: number
  age_at_receipt_ms: number | null
  is_late: boolean
  presses: number
  last_press_at_ms: number | null
  is_cancelled_by_resident: boolean
  claimed_by: Named | null
  claimed_at_ms: number | null
  escalation: { step: number; steps: number; label: Words } | null
  say: Words
  home: Home | null
  resident: Resident | null
  device: DeviceOfAlarm | null
  gateway: string | null
  /** The latest offer, without its copy of the alarm. */
  offer: Omit<Offer, 'alarm'> | null
  outcome: string | null
  sub_reason: string | null
  targets: { claim_s: number; dispatch_s: number; arrive_s: number }
}

export interface HistoryEntry {
  n: number
  at_ms: number
  type: string
  by: { id: string; name: string; name_en?: string } | null
  data: Record<string, unknown>
}

export interface Device {
  uid: string
  name: string | Words
  room: string | Words
  model: string | null
  battery: number | null
  last_seen_ms: number | null
}

export interface AlarmDetail {
  alarm: Alarm
  history: HistoryEntry[]
  contacts: Contact[]
  resident: (Resident & { conditions: Words[]; hazards: Words[] }) | null
  devices: Device[]
  call_plan: Words[]
  offers: Offer[]
  entry_notes: Words | null
}

export interface Station extends Named {
  phone: string | null
  lat?: number
  lon?: number
}

export interface Candidate {
  station: Station
  distance_m: number | null
  travel_s: number | null
  /** How many are on duty; falsy: nobody. */
  on_duty: number | boolean
  free: number
  load: number
  recommended: boolean
  reasons: Words[]
  responder: Named | null
}

export interface Unit extends Named {
  station_id: string
  on_duty: boolean
  state: 'free' | 'offered' | 'accepted' | 'departed' | 'arrived'
  lat: number | null
  lon: number | null
  rev: number
}

// ── Live feed ────────────────────────────────────────────────────────────────────────────────────

export interface Collections {
  alarms: Alarm
  offers: Offer
  units: Unit
}
export type Collection = keyof Collections

export type Row = { [C in Collection]: { coll: C; id: string; rev: number; v: Collections[C] } }[Collection]
export type Op =
  | ({ op: 'put' } & Row)
  | { op: 'del'; coll: Collection; id: string; rev: number; v?: unknown }

export type ServerMessage =
  | {
      t: 'welcome'
      epoch: string
      seq: number
      beat_s: number
      server_time_ms: number
      build: string
      account?: unknown
    }
  | { t: 'snapshot'; seq: number; rows: Row[] }
  | { t: 'resume'; from: number; to: number }
  | { t: 'delta'; seq: number; skip_to?: number | null; ts?: number; ops: Op[] }
  | { t: 'state'; ops: Op[] }
  | { t: 'beat'; seq: number; skip_to?: number | null; now_ms: number }
  | { t: 'error'; code: string }

export type ClientMessage =
  | { t: 'hello' }
  | { t: 'sub'; topics: string[]; epoch?: string; since?: number }
  | { t: 'ack'; seq: number; visible: boolean; audio_ok: boolean }

// ── Virtual home (demo only) ─────────────────────────────────────────────────────────────────────

export type SimKind = 'sos-bath' | 'sos-bed' | 'pendant' | 'motion' | 'door' | 'gas' | 'smoke' | 'leak' | 'fall' | 'speaker'
export type Lamp = 'off' | 'calling' | 'received' | 'operator' | 'coming'

export interface SimHome extends Named {
  address: Words
  resident: { name: string; name_en: string; age: number }
}

export interface SimDevice {
  key: string
  uid: string
  kind: SimKind
  name: Words
  is_pressed: boolean
  supported: boolean
}

export interface SimState {
  home: SimHome
  gateway_online: boolean
  devices: SimDevice[]
  said: (Words & { key: string; at_ms: number }) | null
  lamp: Lamp
  log: { at_ms: number; zh: string; en: string; tone: string }[]
}
