// What the recurrences over time share (beside lib/grid.wgsl and lib/functions.wgsl): the product
// of the weights with the states of the step before. u, gates, du (batch, steps, G), h, c, dh
// (batch, steps, hidden), w (G, hidden); G = hidden, 4 hidden for the LSTM's i, f, g, o or 3 hidden
// for the GRU's r, z, n.
//
// Samples go in blocks of 4, and so do the results of a product: an invocation computes a group of
// 4 results for a block. For each term it reads 4 weights and 4 states, neighbours in memory both,
// for 16 multiply-adds: 4 operations a byte, most of them out of the cache. The 4 results are the
// gates of a unit of an LSTM or (3 of them) GRU, or 4 units. No workgroup memory; about 48
// registers, half of the largest occupancy.
//
// WHOLE: a workgroup runs a block through all steps in one dispatch, with a barrier between steps;
// for layers whose weights stay in the cache, where starting a dispatch costs more than a step.
// Otherwise a dispatch is one step of all blocks and groups, in as many workgroups as there is
// work.

override WHOLE: bool = false;
override TOGETHER: u32 = 64; // invocations of a workgroup

struct Scan {
    batch: u32,
    steps: u32,
    hidden: u32,
    groups: u32, // of 4 results
    depth: u32, // terms of a product
    first: u32, // steps of this dispatch
    stop: u32,
}

// Of this step and the one before, by turns; (2, blocks, depth), a vector holding 4 samples.
@group(0) @binding(0) var<storage, read_write> states: array<vec4<f32>>;
// (depth, groups), a vector holding a group; from pack.wgsl.
@group(0) @binding(1) var<storage, read> packed: array<vec4<f32>>;

// The work of an invocation in each step: groups first, first + step, ... of a block.
struct Work {
    block: u32,
    first: u32,
    step: u32,
}

fn work(scan: Scan, at: Invocation) -> Work {
    if (WHOLE) {
        return Work(flat_group(at), at.local, TOGETHER);
    }
    let task = flat_group(at) * TOGETHER + at.local;
    return Work(task / scan.groups, task % scan.groups, scan.groups);
}

// Numbers of the block's rows in (batch, steps); beyond the last sample it is the last one's.
fn rows_of(scan: Scan, block: u32, t: u32) -> vec4<u32> {
    let samples = block * 4u + vec4<u32>(0u, 1u, 2u, 3u);
    return min(samples, vec4<u32>(scan.batch - 1u)) * scan.steps + t;
}

fn samples_of(scan: Scan, block: u32) -> u32 {
    return select(min(4u, scan.batch - block * 4u), 0u, block * 4u >= scan.batch);
}

// Where a block's states of the n-th step are.
fn states_of(scan: Scan, block: u32, n: u32) -> u32 {
    return ((n % 2u) * ((scan.batch + 3u) / 4u) + block) * scan.depth;
}

// A group of results, each a column that holds 4 samples; 0 in the first step. Terms are added in
// blocks, so that errors grow with the root of their count: a recurrence multiplies them.
fn product(scan: Scan, block: u32, n: u32, group: u32) -> mat4x4<f32> {
    var sum = mat4x4<f32>();
    if (n == 0u) {
        return sum;
    }
    let start = states_of(scan, block, n - 1u);
    for (var from_k = 0u; from_k < scan.depth; from_k += 16u) {
        var a = vec4<f32>(0.0);
        var b = vec4<f32>(0.0);
        var c = vec4<f32>(0.0);
        var d = vec4<f32>(0.0);
        for (var k = from_k; k < min(from_k + 16u, scan.depth); k++) {
            let weights = packed[k * scan.groups + group];
            let state = states[start + k];
            a += weights.x * state;
            b += weights.y * state;
            c += weights.z * state;
            d += weights.w * state;
        }
        sum += mat4x4<f32>(a, b, c, d);
    }
    return sum;
}

fn tangents(x: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(
        hyperbolic_tangent(x.x),
        hyperbolic_tangent(x.y),
        hyperbolic_tangent(x.z),
        hyperbolic_tangent(x.w),
    );
}

fn sigmoids(x: vec4<f32>) -> vec4<f32> {
    return vec4<f32>(sigmoid(x.x), sigmoid(x.y), sigmoid(x.z), sigmoid(x.w));
}
