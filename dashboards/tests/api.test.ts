import { expect, test } from 'vitest'
import { Api, ApiError } from '../src/core/api'
import { Sender } from '../src/core/sender'

type Answer = Response | 'no answer'

/** A server that gives the answers in turn and keeps what it was asked. */
function scripted(...answers: Answer[]) {
  const asked: { path: string; init: RequestInit }[] = []
  const fetch_ = (path: string | URL | Request, init: RequestInit = {}) => {
    asked.push({ path: String(path), init })
    const answer = answers.shift() ?? 'no answer'
    return answer === 'no answer' ? Promise.reject(new TypeError('failed')) : Promise.resolve(answer)
  }
  const api = new Api({ fetch: fetch_ as typeof fetch, wait: () => Promise.resolve(), timeout_ms: 1000 })
  const header = (n: number, name: string) => new Headers(asked[n]?.init.headers).get(name)
  return { api, asked, header }
}

const ok = (body: object) => new Response(JSON.stringify(body), { status: 200 })
const no = (status: number, code: string, data = {}) =>
  new Response(JSON.stringify({ error: { code, message: '', data } }), { status })

test('a command that was not answered is sent again under the same key', async () => {
  const { api, asked, header } = scripted('no answer', no(503, 'busy'), ok({ alarm: { id: 'a' } }))

  await api.claim('a')

  expect(asked).toHaveLength(3)
  expect(header(0, 'idempotency-key')).toBe(header(2, 'idempotency-key'))
  expect(header(0, 'idempotency-key')).toMatch(/^[0-9a-f]{32}$/)
})

test('two commands have two keys', async () => {
  const { api, header } = scripted(ok({}), ok({}))

  await api.claim('a')
  await api.claim('a')

  expect(header(0, 'idempotency-key')).not.toBe(header(1, 'idempotency-key'))
})

test('a refusal is told at once, with its code and data', async () => {
  const { api, asked } = scripted(no(409, 'claimed_by_other', { by: { name: 'He' } }))

  await expect(api.claim('a')).rejects.toMatchObject({ status: 409, code: 'claimed_by_other', data: { by: { name: 'He' } } })
  expect(asked).toHaveLength(1)
})

test('the csrf token of the session goes with every command and with no reading', async () => {
  const { api, header } = scripted(ok({ csrf: 'token' }), ok({}), ok({}))
  await api.session()

  await api.claim('a')
  await api.alarm('a')

  expect(header(1, 'x-csrf')).toBe('token')
  expect(header(2, 'x-csrf')).toBeNull()
})

test('an answer that is no JSON still is an error with a code', async () => {
  const { api } = scripted(new Response('<html>', { status: 500 }))

  await expect(api.alarm('a')).rejects.toMatchObject({ code: 'server_error' })
})

test('after the last attempt the command is reported as unanswered', async () => {
  const { api, asked } = scripted()

  await expect(api.claim('a')).rejects.toMatchObject({ status: 0, is_open: true })
  expect(asked).toHaveLength(4)
})

test('steps go out in order, each until it is decided, under one key', async () => {
  const sent: [string, string][] = []
  const failures = new Map([['accept', 2]])
  const waits: number[] = []
  const sender = new Sender<string>({
    send(step, key) {
      sent.push([step, key])
      const left = failures.get(step) ?? 0
      failures.set(step, left - 1)
      return left > 0 ? Promise.reject(new ApiError(0, 'unreachable')) : Promise.resolve()
    },
    refused: () => undefined,
    changed: () => undefined,
    wait(ms) {
      waits.push(ms)
      return Promise.resolve()
    },
  })

  const all = sender.add('accept')
  void sender.add('arrive')
  expect(sender.pending.map((p) => p.step)).toEqual(['accept', 'arrive'])
  await all

  expect(sent.map(([step]) => step)).toEqual(['accept', 'accept', 'accept', 'arrive'])
  expect(new Set(sent.slice(0, 3).map(([, key]) => key)).size).toBe(1)
  expect(waits).toEqual([1000, 2000])
  expect(sender.pending).toEqual([])
})

test('a refused step is told and does not block the next one', async () => {
  const refused: string[] = []
  const sender = new Sender<string>({
    send: (step) => (step === 'accept' ? Promise.reject(new ApiError(409, 'offer_gone')) : Promise.resolve()),
    refused: (step, error) => refused.push(`${step} ${error.code}`),
    changed: () => undefined,
    wait: () => Promise.resolve(),
  })

  const all = sender.add('accept')
  void sender.add('arrive')
  await all

  expect(refused).toEqual(['accept offer_gone'])
  expect(sender.pending).toEqual([])
})
