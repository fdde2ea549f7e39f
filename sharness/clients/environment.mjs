// What a client is run with: the service, from the environment, and files.
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

// required reads a variable that has to be there.
export function required (name) {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set`)
  return value
}

// settings are those of run in pinning.mjs; the CIDs are read from a file.
export async function settings (cids) {
  return {
    endpoint: required('SERVICE_ENDPOINT'),
    user: required('SERVICE_USER'),
    password: required('SERVICE_PASSWORD'),
    cids: (await readFile(cids, 'utf8')).split('\n').filter((line) => line !== '')
  }
}

// client is the path of the JavaScript client's module.
export function client (modules) {
  return resolve(join(modules, '@ipfs-shipyard', 'pinning-service-client', 'dist', 'src', 'index.js'))
}
