// WGS-84 positions on the schematic drawing, the view of it, and marks that lie too close together.

import type { Severity } from '../types'

export interface Point {
  x: number
  y: number
}

const [X_LON, X_0, Y_0, Y_LAT] = [5055.8905, 577_646.1403, 124_906.8932, 5480.4627]

/** The drawing's affine frame: about 20.3 m a unit. Outside the district it simply goes on. */
export function project(lat: number, lon: number): Point {
  return { x: X_LON * lon - X_0, y: Y_0 - Y_LAT * lat }
}

export function unproject({ x, y }: Point): { lat: number; lon: number } {
  return { lat: (Y_0 - y) / Y_LAT, lon: (x + X_0) / X_LON }
}

export const METRES_A_UNIT = 20.3

export interface View {
  x: number
  y: number
  w: number
  h: number
}

export const DISTRICT: View = { x: 30, y: 30, w: 940, h: 900 }

/** The smallest view around the points, with a margin, never closer than `least` units, never wider than the district. */
export function fit(points: readonly Point[], least = 90): View {
  if (points.length === 0) return DISTRICT
  const xs = points.map((p) => p.x)
  const ys = points.map((p) => p.y)
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const w = Math.min(DISTRICT.w, Math.max(least, (x1 - x0) * 1.5))
  const h = Math.min(DISTRICT.h, Math.max(least, (y1 - y0) * 1.5))
  return { x: (x0 + x1 - w) / 2, y: (y0 + y1 - h) / 2, w, h }
}

/** Closer (factor < 1) or farther around the middle. */
export function zoom(view: View, factor: number): View {
  const w = Math.min(DISTRICT.w * 1.1, Math.max(30, view.w * factor))
  const h = (view.h * w) / view.w
  return { x: view.x + (view.w - w) / 2, y: view.y + (view.h - h) / 2, w, h }
}

export function move(view: View, dx: number, dy: number): View {
  return { ...view, x: view.x + dx, y: view.y + dy }
}

export interface Mark extends Point {
  id: string
  severity: Severity
  is_waiting: boolean
}

export interface Cluster extends Point {
  ids: string[]
  severity: Severity
  is_waiting: boolean
}

const WORSE: Severity[] = ['low', 'medium', 'high', 'critical']

/** Marks nearer than `distance` fall together; the worst severity and any waiting one show. */
export function cluster(marks: readonly Mark[], distance: number): Cluster[] {
  const clusters: Cluster[] = []
  for (const mark of marks) {
    const near = clusters.find((c) => Math.hypot(c.x - mark.x, c.y - mark.y) < distance)
    if (near === undefined) {
      clusters.push({ x: mark.x, y: mark.y, ids: [mark.id], severity: mark.severity, is_waiting: mark.is_waiting })
      continue
    }
    near.ids.push(mark.id)
    near.is_waiting ||= mark.is_waiting
    if (WORSE.indexOf(mark.severity) > WORSE.indexOf(near.severity)) near.severity = mark.severity
  }
  return clusters
}

/** A round length for the scale bar that fits into `units` of the drawing: metres and its length in units. */
export function scale_bar(units: number): { metres: number; units: number } {
  const longest = units * METRES_A_UNIT
  const power = 10 ** Math.floor(Math.log10(longest))
  const metres = [5, 2, 1].map((step) => step * power).find((length) => length <= longest) ?? power
  return { metres, units: metres / METRES_A_UNIT }
}

/** Metres between two WGS-84 positions, near enough for a district. */
export function distance_m(a: { lat: number; lon: number }, b: { lat: number; lon: number }): number {
  const k = Math.cos(((a.lat + b.lat) / 2) * (Math.PI / 180))
  return 111_320 * Math.hypot(a.lat - b.lat, (a.lon - b.lon) * k)
}
