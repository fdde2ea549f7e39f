// A client of openapi-fetch, with the types that openapi-typescript generates, used
// against a real service.
import assert from 'node:assert/strict'
import createClient from 'openapi-fetch'
import type { components, paths } from './schema.js'

const [one, two, three] = process.argv.slice(2) as [string, string, string]
const baseUrl = process.env.SERVICE_ENDPOINT as string
const service = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${process.env.SERVICE_TOKEN}` } })
const stranger = createClient<paths>({ baseUrl })
const every: components['schemas']['Status'][] = ['queued', 'pinning', 'pinned', 'failed']

const meta = { 'made by': 'openapi-typescript', 'a b': 'c=d,e&f' }
const added = await service.POST('/pins', { body: { cid: one, name: 'generated', meta } })
assert.equal(added.response.status, 202)
assert.equal(added.data?.requestid, one)
assert.equal((await service.POST('/pins', { body: { cid: two } })).response.status, 202)

// The types say that meta is a string of JSON. In JavaScript nothing does, and the
// library writes an object as meta[key]=value (and does not escape the key).
for (const filter of [JSON.stringify(meta), meta as unknown as string]) {
  const list = await service.GET('/pins', { params: { query: { meta: filter, status: every } } })
  assert.equal(list.data?.count, 1)
  assert.equal(list.data?.results[0]?.requestid, one)
  assert.deepEqual(list.data?.results[0]?.pin.meta, meta)
}
const both = await service.GET('/pins', { params: { query: { cid: [one, two] } } })
assert.equal(both.data?.count, 2)
const before = added.data?.created
const older = await service.GET('/pins', { params: { query: { cid: [one, two], before } } })
assert.equal(older.data?.count, 0)

const replaced = await service.POST('/pins/{requestid}', { params: { path: { requestid: one } }, body: { cid: three } })
assert.equal(replaced.data?.requestid, three)
const gone = await service.GET('/pins/{requestid}', { params: { path: { requestid: one } } })
assert.equal(gone.response.status, 404)
assert.equal(gone.error?.error.reason, 'NOT_FOUND')

const bad = await service.POST('/pins', { body: { cid: 'nonsense' } })
assert.equal(bad.error?.error.reason, 'BAD_REQUEST')
assert.match(bad.error?.error.details ?? '', /^cid: /)
assert.equal((await stranger.GET('/pins')).response.status, 401)
for (const requestid of [two, three]) {
  const deleted = await service.DELETE('/pins/{requestid}', { params: { path: { requestid } } })
  assert.equal(deleted.response.status, 202)
}
console.log('passed: openapi-typescript')
