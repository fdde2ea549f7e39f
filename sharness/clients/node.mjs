// Runs the JavaScript client in Node against a service without pins.
//
//   node node.mjs MODULES CIDS
//
// MODULES is the folder that setup.sh prints, CIDS a file with one CID a line.
import { pathToFileURL } from 'node:url'
import { client, settings } from './environment.mjs'
import { run } from './pinning.mjs'

const [modules, cids] = process.argv.slice(2)
const module = await import(pathToFileURL(client(modules)))
const passed = await run(module, await settings(cids), (name, error) => {
  console.log(error === undefined ? `passed: ${name}` : `FAILED: ${name}\n${error}`)
})
process.exitCode = passed ? 0 : 1
