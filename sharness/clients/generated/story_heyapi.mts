// A client that @hey-api/openapi-ts generates, used against a real service.
import assert from 'node:assert/strict'
import { client } from './heyapi/client.gen.js'
import { addPin, deletePin, getPin, listPins, replacePin } from './heyapi/index.js'

const [one, two, three] = process.argv.slice(2) as [string, string, string]
client.setConfig({ baseUrl: process.env.SERVICE_ENDPOINT, auth: () => process.env.SERVICE_TOKEN })

const meta = { 'made by': '@hey-api/openapi-ts', 'a b': 'c=d,e&f' }
const added = await addPin({ body: { cid: one, name: 'generated', meta } })
assert.equal(added.response?.status, 202)
assert.equal(added.data?.requestid, one)
assert.equal((await addPin({ body: { cid: two } })).response?.status, 202)

const list = await listPins({ query: { meta, status: ['queued', 'pinning', 'pinned', 'failed'] } })
assert.equal(list.data?.count, 1)
assert.equal(list.data?.results[0]?.requestid, one)
assert.deepEqual(list.data?.results[0]?.pin.meta, meta)
assert.equal((await listPins({ query: { cid: [one, two] } })).data?.count, 2)

assert.equal((await replacePin({ path: { requestid: one }, body: { cid: three } })).data?.requestid, three)
const gone = await getPin({ path: { requestid: one } })
assert.equal(gone.response?.status, 404)
assert.equal(gone.error?.error.reason, 'NOT_FOUND')

const bad = await addPin({ body: { cid: 'nonsense' } })
assert.equal(bad.error?.error.reason, 'BAD_REQUEST')
assert.equal((await listPins({ auth: undefined })).response?.status, 401)
for (const requestid of [two, three]) {
  assert.equal((await deletePin({ path: { requestid } })).response?.status, 202)
}
console.log('passed: @hey-api/openapi-ts')
