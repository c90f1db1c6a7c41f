// Prints, as a JSON list, the files of all Python modules that a page has imported once Loom runs:
//     node start_modules.mjs <folder with pyodide-lock.json and the wheels>
import { resolve } from "node:path";
import { loadPyodide } from "pyodide";

process.once("uncaughtException", (error) => {
  console.error(error.message); // without Node's excerpt of Pyodide's one-line source
  process.exit(1);
});

const folder = resolve(process.argv[2]) + "/";
const python = await loadPyodide({
  lockFileURL: folder + "pyodide-lock.json",
  packageBaseUrl: folder,
});
await python.loadPackage("loom_core", { messageCallback: () => {} });
const files = python.runPython(`
import json
import sys

import numpy.linalg
import numpy.random
from loom_core.backends import choice
from loom_core.bridge import Bridge

Bridge()
choice.get("auto")

json.dumps(sorted({m.__file__ for m in sys.modules.values() if getattr(m, "__file__", None)}))
`);
console.log(files);
