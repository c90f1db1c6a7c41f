// Runs bytecode.py inside Pyodide, the only Python whose bytecode the browser can read:
//     node bytecode.mjs <source archive> <target archive> <JSON of the fields of Rules>
import { readFile, writeFile } from "node:fs/promises";
import { loadPyodide } from "pyodide";

process.once("uncaughtException", (error) => {
  console.error(error.message); // without Node's excerpt of Pyodide's one-line source
  process.exit(1);
});

const [source, target, rules] = process.argv.slice(2);
const script = await readFile(new URL("./bytecode.py", import.meta.url));

// A fixed hash seed: the order of constant sets in the bytecode follows the hashes of strings.
const python = await loadPyodide({ env: { HOME: "/home/pyodide", PYTHONHASHSEED: "0" } });
python.FS.writeFile("/home/pyodide/bytecode.py", script);
python.FS.writeFile("/source.zip", await readFile(source));
python.globals.set("rules", rules);
python.runPython(`
import json
from pathlib import Path

import bytecode

bytecode.compile_archive(Path("/source.zip"), Path("/target.zip"), bytecode.Rules(**json.loads(rules)))
`);
await writeFile(target, python.FS.readFile("/target.zip"));
