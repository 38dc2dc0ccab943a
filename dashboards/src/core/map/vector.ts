// A vector tile as paths of our own classes: by the layers' names in the schemas of Protomaps and OpenMapTiles; of other
// files polygons are land and lines are roads.

import { VectorTile, type VectorTileFeature } from '@mapbox/vector-tile'
import { PbfReader } from 'pbf'

/** From the ground upwards. */
export const CLASSES = ['land', 'green', 'water', 'built', 'river', 'road', 'main', 'border'] as const
export type PathClass = (typeof CLASSES)[number]

export interface PlaceName {
  zh: string
  en: string
  /** In shares of the tile's side. */
  x: number
  y: number
  /** Lower is drawn first. */
  rank: number
}

export interface Drawing {
  /** The paths' units a side. */
  extent: number
  paths: [PathClass, string][]
  names: PlaceName[]
}

const EXTENT = 4096
const LINE = 2
const POINT = 1
const WATER = new Set(['water', 'waterway', 'ocean', 'water_polygons', 'water_lines'])
const ROADS = new Set(['roads', 'transportation', 'transit', 'streets'])
const BORDERS = new Set(['boundaries', 'boundary'])
const BUILT = new Set(['buildings', 'building'])
const GREEN = new Set(['park', 'forest', 'wood', 'grass', 'grassland', 'nature_reserve', 'scrub', 'garden', 'farmland'])
const MAIN = new Set(['highway', 'major_road', 'motorway', 'trunk', 'primary', 'secondary'])
/** Layers of points that are no places: their names would cover the marks. */
const SILENT = new Set(['pois', 'poi', 'housenumber', 'aerodrome_label', 'mountain_peak'])

export function drawing_of(data: ArrayBuffer): Drawing {
  const paths = new Map<PathClass, string[]>()
  const names: PlaceName[] = []
  for (const [name, layer] of Object.entries(new VectorTile(new PbfReader(data)).layers)) {
    for (let n = 0; n < layer.length; n++) {
      const feature = layer.feature(n)
      if (feature.type === POINT) {
        if (!SILENT.has(name)) names.push(...name_of(feature))
        continue
      }
      const kind = class_of(name, feature)
      const drawn = paths.get(kind) ?? []
      drawn.push(path_of(feature))
      paths.set(kind, drawn)
    }
  }
  return {
    extent: EXTENT,
    paths: CLASSES.flatMap((one): [PathClass, string][] => {
      const drawn = paths.get(one)
      return drawn === undefined ? [] : [[one, drawn.join('')]]
    }),
    names,
  }
}

function class_of(layer: string, { type, properties }: VectorTileFeature): PathClass {
  const kind = String(properties['kind'] ?? properties['class'] ?? '')
  if (BORDERS.has(layer)) return 'border'
  if (type === LINE) {
    if (WATER.has(layer)) return 'river'
    return ROADS.has(layer) && MAIN.has(kind) ? 'main' : 'road'
  }
  if (WATER.has(layer)) return 'water'
  if (BUILT.has(layer)) return 'built'
  return layer === 'park' || GREEN.has(kind) ? 'green' : 'land'
}

function path_of(feature: VectorTileFeature): string {
  const scale = EXTENT / feature.extent
  const end = feature.type === LINE ? '' : 'Z'
  return feature
    .loadGeometry()
    .map((ring) => `M${ring.map(({ x, y }) => `${Math.round(x * scale)} ${Math.round(y * scale)}`).join('L')}${end}`)
    .join('')
}

function name_of(feature: VectorTileFeature): PlaceName[] {
  const said = feature.properties
  const [local, zh, en] = [said['name'], said['name:zh-Hans'] ?? said['name:zh'], said['name:en']]
  const any = local ?? zh ?? en
  const at = feature.loadGeometry()[0]?.[0]
  if (any === undefined || at === undefined) return []
  const rank = Number(said['min_zoom'] ?? said['rank'] ?? 0)
  const [x, y] = [at.x / feature.extent, at.y / feature.extent]
  const is_here = x >= 0 && x < 1 && y >= 0 && y < 1 // a tile repeats what lies close around it
  return is_here ? [{ zh: String(zh ?? any), en: String(en ?? any), x, y, rank }] : []
}
