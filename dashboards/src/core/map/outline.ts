// Outlines of areas, as the registry keeps them, on the drawing.

import type { DrawnArea } from '../types'
import { project, type Point, type View } from './project'

export interface Outline {
  id: string
  kind: DrawnArea['kind']
  name: DrawnArea['name']
  path: string
  /** The middle of its largest ring's box: where its name stands. */
  label: Point
}

export function outline_of(area: DrawnArea): Outline {
  const rings = area.outline.flat().map((ring) => ring.map(([lon = 0, lat = 0]) => project(lat, lon)))
  const path = rings.map((ring) => `M${ring.map(({ x, y }) => `${x.toFixed(2)} ${y.toFixed(2)}`).join('L')}Z`).join('')
  const boxes = rings.map(box).sort((a, b) => b.w * b.h - a.w * a.h)
  const { x, y, w, h } = boxes[0] ?? { x: 0, y: 0, w: 0, h: 0 }
  return { id: area.id, kind: area.kind, name: area.name, path, label: { x: x + w / 2, y: y + h / 2 } }
}

/** What all of them fill, with a margin; null where there are none. */
export function whole_of(areas: readonly DrawnArea[]): View | null {
  const points = areas.flatMap((area) => area.outline.flat(2)).map(([lon = 0, lat = 0]) => project(lat, lon))
  if (points.length === 0) return null
  const { x, y, w, h } = box(points)
  return { x: x - w * 0.04, y: y - h * 0.04, w: w * 1.08, h: h * 1.08 }
}

function box(points: readonly Point[]): View {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const { x, y } of points) {
    x0 = Math.min(x0, x)
    x1 = Math.max(x1, x)
    y0 = Math.min(y0, y)
    y1 = Math.max(y1, y)
  }
  return { x: x0, y: y0, w: x1 - x0, h: y1 - y0 }
}
