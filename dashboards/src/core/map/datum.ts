// GCJ-02, in which most public maps of mainland China are drawn: only where its tiles are laid under WGS-84 positions.
// The same formula as cloud/travel/datum.py; tests/datum.json holds both to it.

export interface Place {
  lat: number
  lon: number
}

export type Datum = 'wgs84' | 'gcj02'

const AXIS_M = 6_378_245
const ECCENTRICITY_2 = 0.00669342162296594323
/** Exact to micrometres: each step leaves less than a hundredth. */
const STEPS = 4
const RAD = Math.PI / 180

export function to_wgs84(place: Place, datum: Datum): Place {
  if (datum === 'wgs84' || is_outside(place)) return place
  let found = place
  for (let step = 0; step < STEPS; step++) {
    const there = gcj02(found)
    found = { lat: found.lat - there.lat + place.lat, lon: found.lon - there.lon + place.lon }
  }
  return found
}

export function from_wgs84(place: Place, datum: Datum): Place {
  return datum === 'wgs84' || is_outside(place) ? place : gcj02(place)
}

function is_outside({ lat, lon }: Place): boolean {
  return !(lon >= 72.004 && lon <= 137.8347 && lat >= 0.8293 && lat <= 55.8271)
}

function gcj02({ lat, lon }: Place): Place {
  const [x, y] = [lon - 105, lat - 35]
  const w = 1 - ECCENTRICITY_2 * Math.sin(lat * RAD) ** 2
  const meridian_m = (AXIS_M * (1 - ECCENTRICITY_2)) / w ** 1.5
  const parallel_m = (AXIS_M / Math.sqrt(w)) * Math.cos(lat * RAD)
  return { lat: lat + north_m(x, y) / meridian_m / RAD, lon: lon + east_m(x, y) / parallel_m / RAD }
}

function north_m(x: number, y: number): number {
  const bent = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x))
  return bent + waves(x, [20, 6], [20, 2]) + waves(y, [20, 1], [40, 1 / 3], [160, 1 / 12], [320, 1 / 30])
}

function east_m(x: number, y: number): number {
  const bent = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x))
  return bent + waves(x, [20, 6], [20, 2], [20, 1], [40, 1 / 3], [150, 1 / 12], [300, 1 / 30])
}

function waves(at: number, ...all: [high: number, often: number][]): number {
  return (2 / 3) * all.reduce((sum, [high, often]) => sum + high * Math.sin(Math.PI * often * at), 0)
}
