import fc from 'fast-check'
import { PbfWriter } from 'pbf'
import { describe, expect, test } from 'vitest'
import { from_wgs84, to_wgs84, type Place } from '../src/core/map/datum'
import { apart, names_of } from '../src/core/map/names'
import { outline_of, whole_of } from '../src/core/map/outline'
import { METRES_A_UNIT, distance_m, project, unproject } from '../src/core/map/project'
import { TILES_MAX, tiles_in, url_of, type Grid } from '../src/core/map/tiles'
import { drawing_of } from '../src/core/map/vector'
import type { DrawnArea } from '../src/core/types'
import golden from './datum.json'

const PINGSHAN = { lat: 22.69, lon: 114.346 }
const GRID: Grid = { datum: 'wgs84', tile_px: 256, zoom_min: 0, zoom_max: 18 }
const place = ([lat = 0, lon = 0]: number[]): Place => ({ lat, lon })
const view_around = (at: Place, w: number) => {
  const { x, y } = project(at.lat, at.lon)
  return { x: x - w / 2, y: y - w / 2, w, h: w }
}

describe('datum', () => {
  test.each(golden)('the cloud converts $wgs84 as we do', ({ wgs84, gcj02 }) => {
    expect(distance_m(from_wgs84(place(wgs84), 'gcj02'), place(gcj02))).toBeLessThan(0.001)
    expect(distance_m(to_wgs84(place(gcj02), 'gcj02'), place(wgs84))).toBeLessThan(0.001)
  })

  test('in Pingshan GCJ-02 lies 587 m away', () => {
    expect(distance_m(PINGSHAN, from_wgs84(PINGSHAN, 'gcj02'))).toBeCloseTo(587, -0.5)
  })

  test('there and back is the same place to a hundredth of a millimetre', () => {
    const in_china = fc.record({
      lat: fc.double({ min: 3, max: 53, noNaN: true }),
      lon: fc.double({ min: 74, max: 135, noNaN: true }),
    })
    fc.assert(
      fc.property(in_china, (at) => distance_m(at, to_wgs84(from_wgs84(at, 'gcj02'), 'gcj02')) < 1e-5),
    )
  })
})

describe('tiles', () => {
  test('the drawing goes back to degrees', () => {
    const back = unproject(project(PINGSHAN.lat, PINGSHAN.lon))

    expect(back.lat).toBeCloseTo(PINGSHAN.lat, 9)
    expect(back.lon).toBeCloseTo(PINGSHAN.lon, 9)
  })

  test('the tile of a place lies under it, in either datum', () => {
    for (const datum of ['wgs84', 'gcj02'] as const) {
      // by the formula of every tile server, of the place as that datum has it
      const at = from_wgs84(PINGSHAN, datum)
      const [side, rad] = [2 ** 16, (at.lat * Math.PI) / 180]
      const [column, row] = [
        ((at.lon + 180) / 360) * side,
        ((1 - Math.log(Math.tan(rad) + 1 / Math.cos(rad)) / Math.PI) / 2) * side,
      ]
      const [tile] = tiles_in(view_around(PINGSHAN, 0.01), 2.2 / METRES_A_UNIT, { ...GRID, datum })

      expect(tile?.key).toBe(`16/${Math.floor(column)}/${Math.floor(row)}`)
      const { x, y } = project(PINGSHAN.lat, PINGSHAN.lon)
      const [left, top] = [(x - tile!.x) / tile!.w, (y - tile!.y) / tile!.h]
      // half a pixel of 256: what a tile's own bend in the other datum may be
      expect(Math.abs(left - (column % 1))).toBeLessThan(1 / 512)
      expect(Math.abs(top - (row % 1))).toBeLessThan(1 / 512)
    }
  })

  test('tiles meet, and cover the view', () => {
    const view = view_around(PINGSHAN, 300)
    const tiles = tiles_in(view, 0.5, { ...GRID, datum: 'gcj02' })
    const of = (column: number, row: number) => tiles.find((one) => one.column === column && one.row === row)

    for (const tile of tiles) {
      const east = of(tile.column + 1, tile.row)
      if (east !== undefined) expect(Math.abs(tile.x + tile.w - east.x)).toBeLessThan(0.5)
    }
    expect(Math.min(...tiles.map(({ x }) => x))).toBeLessThanOrEqual(view.x)
    expect(Math.max(...tiles.map(({ y, h }) => y + h))).toBeGreaterThanOrEqual(view.y + view.h)
  })

  test('the zoom fits the pixels, within what the source has', () => {
    const zoom = (k: number, grid = GRID) => tiles_in(view_around(PINGSHAN, 800 * k), k, grid)[0]?.zoom

    expect(zoom(1)).toBe(13)
    expect(zoom(0.5)).toBe(14)
    expect(zoom(0.5, { ...GRID, tile_px: 512 })).toBe(13)
    expect(zoom(0.01, { ...GRID, zoom_max: 15 })).toBe(15)
    expect(zoom(1, { ...GRID, zoom_min: 14 })).toBe(14)
  })

  test('a view never asks for more tiles than there may be', () => {
    const many = tiles_in(view_around(PINGSHAN, 900), 0.05, GRID)

    expect(many.length).toBeGreaterThan(TILES_MAX / 8)
    expect(many.length).toBeLessThanOrEqual(TILES_MAX)
    expect(tiles_in(view_around(PINGSHAN, 900), 0.05, { ...GRID, zoom_min: 18 })).toEqual([])
  })

  test('an address has the numbers of its tile', () => {
    const [tile] = tiles_in(view_around(PINGSHAN, 0.01), 0.1, GRID)

    expect(url_of('/t/{z}/{x}/{y}.png', tile!)).toBe(`/t/${tile!.key}.png`)
  })
})

describe('outlines', () => {
  const square = (lat: number, lon: number, side: number): number[][] =>
    [[0, 0], [side, 0], [side, side], [0, side], [0, 0]].map(([x = 0, y = 0]) => [lon + x, lat + y])
  const area: DrawnArea = {
    id: 'a',
    kind: 'community',
    name: { zh: 'a', en: 'a' },
    outline: [[square(22.6, 114.3, 0.1), square(22.63, 114.33, 0.01)], [square(22.8, 114.3, 0.01)]],
  }

  test('an area is drawn with its holes and islands, and named in its largest part', () => {
    const { path, label } = outline_of(area)

    expect(path.match(/M/g)).toHaveLength(3)
    expect(unproject(label).lat).toBeCloseTo(22.65, 6)
    expect(unproject(label).lon).toBeCloseTo(114.35, 6)
  })

  test('the whole has all of them in it', () => {
    const { x, y, w, h } = whole_of([area])!
    const { x: px, y: py } = project(22.81, 114.4)

    expect(whole_of([])).toBeNull()
    expect(px).toBeLessThan(x + w)
    expect(py).toBeGreaterThan(y)
    expect(h).toBeGreaterThan(w)
  })
})

describe('vector tiles', () => {
  /** One layer with one feature: type, commands of its geometry, properties. */
  function layer(name: string, type: number, geometry: number[], told: Record<string, string | number>) {
    return (_: undefined, pbf: PbfWriter) => {
      pbf.writeStringField(1, name)
      const tags = Object.keys(told).flatMap((_key, n) => [n, n])
      pbf.writeMessage(2, (__, feature) => {
        feature.writePackedVarint(2, tags)
        feature.writeVarintField(3, type)
        feature.writePackedVarint(4, geometry)
      }, undefined)
      for (const key of Object.keys(told)) pbf.writeStringField(3, key)
      for (const value of Object.values(told)) {
        pbf.writeMessage(4, (__, one) => {
          if (typeof value === 'string') one.writeStringField(1, value)
          else one.writeVarintField(4, value)
        }, undefined)
      }
      pbf.writeVarintField(5, 256)
      pbf.writeVarintField(15, 2)
    }
  }
  const zig = (n: number) => (n << 1) ^ (n >> 31)
  const LINE = [9, zig(0), zig(0), 10, zig(128), zig(64)]
  const RING = [9, zig(0), zig(0), 18, zig(256), zig(0), zig(0), zig(256), 15]
  const point = (x: number, y: number) => [9, zig(x), zig(y)]
  function tile(...layers: ReturnType<typeof layer>[]): ArrayBuffer {
    const pbf = new PbfWriter()
    for (const one of layers) pbf.writeMessage(3, one, undefined)
    return pbf.finish().slice().buffer
  }

  test('layers of either schema become our classes, from the ground upwards', () => {
    const { paths, extent } = drawing_of(
      tile(
        layer('roads', 2, LINE, { kind: 'highway' }),
        layer('transportation', 2, LINE, { class: 'service' }),
        layer('water', 3, RING, { kind: 'river' }),
        layer('waterway', 2, LINE, { class: 'stream' }),
        layer('landuse', 3, RING, { kind: 'park' }),
        layer('earth', 3, RING, {}),
        layer('buildings', 3, RING, {}),
        layer('boundary', 2, LINE, {}),
      ),
    )

    expect(paths.map(([kind]) => kind)).toEqual(
      ['land', 'green', 'water', 'built', 'river', 'road', 'main', 'border'],
    )
    expect(paths[0]).toEqual(['land', 'M0 0L4096 0L4096 4096L0 0Z'])
    expect(paths[6]).toEqual(['main', 'M0 0L2048 1024'])
    expect(extent).toBe(4096)
  })

  test('of a file with layers of its own polygons are land and lines are roads', () => {
    const { paths } = drawing_of(tile(layer('district', 3, RING, {}), layer('x', 2, LINE, {})))

    expect(paths.map(([kind]) => kind)).toEqual(['land', 'road'])
  })

  test('places have names in both languages; shops and what lies in the next tile have none', () => {
    const { names } = drawing_of(
      tile(
        layer('places', 1, point(64, 128), { name: '坪山', 'name:en': 'Pingshan', min_zoom: 7 }),
        layer('pois', 1, point(64, 128), { name: 'shop' }),
        layer('place', 1, point(256, 128), { name: 'next' }),
        layer('place', 1, point(1, 1), {}),
      ),
    )

    expect(names).toEqual([{ zh: '坪山', en: 'Pingshan', x: 0.25, y: 0.5, rank: 7 }])
  })

  test('of names that would touch the more important one stays', () => {
    const name = (en: string, x: number, rank: number) => ({ zh: en, en, x, y: 0.5, rank })
    const placed = names_of([
      { tile: { x: 100, y: 0, w: 200, h: 200 }, names: [name('minor', 0.5, 9), name('major', 0.55, 1)] },
      { tile: { x: 300, y: 0, w: 200, h: 200 }, names: [name('far', 0.5, 9)] },
    ])

    expect(apart(placed, 'en', 12)).toMatchObject([
      { text: 'major', x: 210, y: 100 },
      { text: 'far', x: 400, y: 100 },
    ])
  })
})
