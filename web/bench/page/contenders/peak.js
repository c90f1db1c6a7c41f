/** The register loop as a contender of the matrix products. */

import { peakLoops } from "../peak.js";

/** @import { Contender } from "../contender.js" */

/** @returns {Contender} */
export function startPeak() {
  const { fused, loops } = peakLoops();
  const entries = Object.entries(loops);
  const series = Object.fromEntries(entries.map(([name, loop]) => [name, loop.run]));
  const flops = Object.fromEntries(entries.map(([name, loop]) => [name, loop.flops]));
  return {
    version: fused ? "relaxed multiply-add" : "product and sum (no relaxed SIMD here)",
    prepare: (name) => (name === "GEMM" ? { series, flops } : undefined),
  };
}
