import { expect, test } from 'vitest'
import { clock, mmss, ServerClock } from '../src/core/time'
import { command_of, type Press } from '../src/core/keys'

test('ages are minutes and seconds, hours only when there are some', () => {
  expect(mmss(72_999)).toBe('01:12')
  expect(mmss(-5)).toBe('00:00')
  expect(mmss(3_723_000)).toBe('1:02:03')
})

test('the clock is written with 24 hours', () => {
  expect(clock(Date.UTC(2026, 10, 24, 16, 5, 9), 'Asia/Shanghai')).toBe('00:05:09')
})

test('the server clock keeps the sample that travelled least', () => {
  let local = 0
  const server = new ServerClock(() => local)
  server.hear(10_000)
  local = 1_000
  server.hear(10_200) // 800 ms on the way

  expect(server.now()).toBe(11_000)
})

test('an old sample is forgotten when the clocks drift', () => {
  let local = 0
  const server = new ServerClock(() => local)
  server.hear(10_000)
  for (let i = 1; i <= 8; i++) {
    local = i * 1_000
    server.hear(local + 9_000)
  }

  expect(server.offset_ms).toBe(9_000)
})

const press = (key: string, more: Partial<Press> = {}): Press => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  is_taken: false,
  is_on_control: false,
  ...more,
})

test('single keys command, but not while somebody writes', () => {
  expect(command_of(press('c'), true)).toBe('claim')
  expect(command_of(press('C'), true)).toBe('claim')
  expect(command_of(press('ArrowDown'), true)).toBe('next')
  expect(command_of(press('c', { is_taken: true }), true)).toBeNull()
  expect(command_of(press('c', { ctrlKey: true }), true)).toBeNull()
})

test('Enter on a button belongs to the button', () => {
  expect(command_of(press('Enter', { is_on_control: true }), true)).toBeNull()
  expect(command_of(press('Enter'), true)).toBe('open')
})

test('switched off, letters do nothing; help and arrows remain', () => {
  expect(command_of(press('c'), false)).toBeNull()
  expect(command_of(press('?'), false)).toBe('help')
  expect(command_of(press('ArrowUp'), false)).toBe('previous')
})
