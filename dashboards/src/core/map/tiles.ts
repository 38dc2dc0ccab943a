// Which tiles of a Web Mercator map lie in a view, and where: each is laid by its own corners, so that a map in another
// datum lies right under WGS-84 marks and nothing but its tiles is converted.

import { from_wgs84, to_wgs84, type Datum, type Place } from './datum'
import { METRES_A_UNIT, project, unproject, type View } from './project'

export interface Grid {
  datum: Datum
  /** Side of a tile in pixels, where it is drawn as it was made. */
  tile_px: number
  zoom_min: number
  zoom_max: number
}

export interface Tile extends View {
  key: string
  zoom: number
  column: number
  row: number
}

/** A view that would need more is given coarser ones. */
export const TILES_MAX = 64
const EQUATOR_M = 40_075_016.686
const RAD = Math.PI / 180

/** `k`: units of the drawing a pixel. */
export function tiles_in(view: View, k: number, grid: Grid): Tile[] {
  const corner = (x: number, y: number) => from_wgs84(unproject({ x, y }), grid.datum)
  const [north_west, south_east] = [corner(view.x, view.y), corner(view.x + view.w, view.y + view.h)]
  for (let zoom = zoom_for(north_west.lat, k, grid); zoom >= grid.zoom_min; zoom--) {
    const [first, last] = [cell(north_west, zoom), cell(south_east, zoom)]
    const [columns, rows] = [last.column - first.column + 1, last.row - first.row + 1]
    if (columns * rows > TILES_MAX) continue
    return Array.from({ length: columns * rows }, (_, n) =>
      tile(zoom, first.column + (n % columns), first.row + Math.floor(n / columns), grid.datum),
    )
  }
  return []
}

export function url_of(template: string, { zoom, column, row }: Tile): string {
  return template.replace('{z}', `${zoom}`).replace('{x}', `${column}`).replace('{y}', `${row}`)
}

function zoom_for(lat: number, k: number, { tile_px, zoom_min, zoom_max }: Grid): number {
  const across_m = k * METRES_A_UNIT * tile_px
  const zoom = Math.round(Math.log2((EQUATOR_M * Math.cos(lat * RAD)) / across_m))
  return Math.min(zoom_max, Math.max(zoom_min, zoom))
}

function cell({ lat, lon }: Place, zoom: number): { column: number; row: number } {
  const side = 2 ** zoom
  const y = (1 - Math.asinh(Math.tan(lat * RAD)) / Math.PI) / 2
  const within = (n: number) => Math.min(side - 1, Math.max(0, Math.floor(n * side)))
  return { column: within((lon + 180) / 360), row: within(y) }
}

function tile(zoom: number, column: number, row: number, datum: Datum): Tile {
  const [a, b] = [corner_of(zoom, column, row, datum), corner_of(zoom, column + 1, row + 1, datum)]
  return { key: `${zoom}/${column}/${row}`, zoom, column, row, x: a.x, y: a.y, w: b.x - a.x, h: b.y - a.y }
}

/** The north-western corner of a cell on the drawing. */
function corner_of(zoom: number, column: number, row: number, datum: Datum): { x: number; y: number } {
  const side = 2 ** zoom
  const lat = Math.atan(Math.sinh(Math.PI * (1 - (2 * row) / side))) / RAD
  const at = to_wgs84({ lat, lon: (column / side) * 360 - 180 }, datum)
  return project(at.lat, at.lon)
}
