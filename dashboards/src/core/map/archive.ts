// A PMTiles file, read in ranges. Loaded only where such a file is configured: with what it needs, 11 KB gzipped.

import { PMTiles, TileType } from 'pmtiles'
import type { Grid, Tile } from './tiles'
import { drawing_of, type Drawing } from './vector'

/** Images as data addresses: the content security policy needs to allow nothing more for them. */
export type TileContent = { image: string } | { drawing: Drawing } | null

const IMAGES: Partial<Record<TileType, string>> = {
  [TileType.Png]: 'image/png',
  [TileType.Jpeg]: 'image/jpeg',
  [TileType.Webp]: 'image/webp',
  [TileType.Avif]: 'image/avif',
}
const KEPT_MAX = 256

export interface Archive {
  zooms: Pick<Grid, 'zoom_min' | 'zoom_max' | 'tile_px'>
  /** null: the file has nothing there. */
  tile(tile: Tile): Promise<TileContent>
}

export async function open_archive(url: string): Promise<Archive> {
  const file = new PMTiles(url)
  const { minZoom, maxZoom, tileType } = await file.getHeader()
  const kept = new Map<string, Promise<TileContent>>()
  const mime = IMAGES[tileType]
  if (mime === undefined && tileType !== TileType.Mvt) throw new Error(`tiles of type ${tileType} cannot be drawn`)

  async function load({ zoom, column, row }: Tile): Promise<TileContent> {
    const found = await file.getZxy(zoom, column, row)
    if (found === undefined) return null
    return mime === undefined ? { drawing: drawing_of(found.data) } : { image: await address_of(found.data, mime) }
  }

  return {
    // vector tiles are made for twice the size of images
    zooms: { zoom_min: minZoom, zoom_max: maxZoom, tile_px: mime === undefined ? 512 : 256 },
    tile(tile) {
      const known = kept.get(tile.key)
      if (known !== undefined) return known
      const loading = load(tile)
      loading.catch(() => kept.delete(tile.key)) // asked for again when it is wanted again
      if (kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value as string)
      kept.set(tile.key, loading)
      return loading
    },
  }
}

function address_of(data: ArrayBuffer, type: string): Promise<string> {
  return new Promise((done, fail) => {
    const reader = new FileReader()
    reader.onload = () => done(reader.result as string)
    reader.onerror = () => fail(reader.error ?? new Error('unreadable'))
    reader.readAsDataURL(new Blob([data], { type }))
  })
}
