// What is filled in about a new home, and how it goes to the server.

import { address, type DeviceKey, type RoomKey } from '../../core/office'
import { office_en } from '../../core/i18n/office.en'
import { office_zh } from '../../core/i18n/office.zh-CN'
import type { Words } from '../../core/types'

/** A device as it is being typed. */
export interface DeviceRow {
  key: DeviceKey
  room: RoomKey
  at: string
}

/** Rows with an address that can be one, in its normal spelling. */
export function kept_devices(rows: readonly DeviceRow[]): DeviceRow[] {
  return rows.flatMap((row) => {
    const at = address(row.at)
    return at === null ? [] : [{ ...row, at }]
  })
}

/** What is wrong with the rows that somebody has begun. */
export function fault_of(rows: readonly DeviceRow[]): 'bad_at' | 'twice' | null {
  const begun = rows.filter((row) => row.at.trim() !== '').map((row) => address(row.at))
  if (begun.includes(null)) return 'bad_at'
  return new Set(begun).size < begun.length ? 'twice' : null
}

/** Name of the device and of its room, in both languages. */
export function names_of(row: DeviceRow): [name: Words, room: Words] {
  return [
    { zh: office_zh.enrol.kinds[row.key], en: office_en.enrol.kinds[row.key] },
    { zh: office_zh.enrol.rooms[row.room], en: office_en.enrol.rooms[row.room] },
  ]
}
